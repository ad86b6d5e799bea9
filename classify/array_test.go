package classify

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
)

func arrayFile[T checkpoints.Element](t *testing.T, values []T, shape ...int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.npy")
	a, err := checkpoints.NewArray("x", values, shape...)
	if err == nil {
		err = checkpoints.WriteNPY(path, a.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadBatch: what is not a batch of finite float32 images is an error that says how to convert it.
func TestReadBatch(t *testing.T) {
	with := func(n, at int, v float64) []float32 {
		values := make([]float32, n)
		values[at] = float32(v)
		return values
	}
	for _, c := range []struct{ name, path, want string }{
		{"a batch", arrayFile(t, with(24, 0, 1), 2, 3, 2, 2), ""},
		{"NaN", arrayFile(t, with(24, 23, math.NaN()), 2, 3, 2, 2), "the value at index [1, 2, 1, 1] is NaN: all values must be finite"},
		{"infinity", arrayFile(t, with(24, 4, math.Inf(-1)), 2, 3, 2, 2), "[0, 1, 0, 0] is -Inf"},
		{"float64", arrayFile(t, make([]float64, 12), 1, 3, 2, 2), "holds float64: must be float32, normalized as in training; in NumPy: x.astype(numpy.float32)"},
		{"bytes", arrayFile(t, make([]uint8, 12), 1, 3, 2, 2), "holds uint8: must be float32"},
		{"NHWC", arrayFile(t, make([]float32, 12), 1, 2, 2, 3), "must be (N, 3, H, W); in NumPy: x.transpose(0, 3, 1, 2)"},
		{"one image", arrayFile(t, make([]float32, 12), 3, 2, 2), "must be (N, 3, H, W); in NumPy: x[None]"},
		{"one HWC image", arrayFile(t, make([]float32, 12), 2, 2, 3), "x.transpose(2, 0, 1)[None]"},
		{"no images", arrayFile(t, []float32{}, 0, 3, 2, 2), "must be (N, 3, H, W)"},
		{"a scalar", arrayFile(t, []float32{1}), "must be (N, 3, H, W)"},
	} {
		pixels, shape, err := readBatch(c.path)
		if c.want == "" && (err != nil || len(pixels) != 24 || !slices.Equal(shape, []int{2, 3, 2, 2})) {
			t.Errorf("%s: %v, shape %v", c.name, err, shape)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestOutputIsInput: the logits do not replace the images.
func TestOutputIsInput(t *testing.T) {
	in := arrayFile(t, make([]float32, 12), 1, 3, 2, 2)
	link := filepath.Join(t.TempDir(), "link.npy")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{in, link} {
		if err := PredictArray(t.Context(), PredictConfig{}, in, out); err == nil || !strings.Contains(err.Error(), "is the input and the output") {
			t.Errorf("%s: %v", out, err)
		}
	}
}
