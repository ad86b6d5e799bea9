package batches

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/testset"
)

func TestSynthetic(t *testing.T) {
	a, b, c := Synthetic(8, 16, 3, 7), Synthetic(8, 16, 3, 7), Synthetic(8, 16, 3, 8)
	if a.N != 8 || a.Height != 16 || a.Width != 16 || len(a.Pixels) != 8*16*16*3 || len(a.Labels) != 8 {
		t.Errorf("%d images of %dx%d, %d bytes", a.N, a.Width, a.Height, len(a.Pixels))
	}
	if slices.Min(a.Labels) < 0 || slices.Max(a.Labels) > 2 || slices.Max(a.Labels) == slices.Min(a.Labels) {
		t.Errorf("labels %v of 3 classes", a.Labels)
	}
	if !bytes.Equal(a.Pixels, b.Pixels) || !slices.Equal(a.Labels, b.Labels) || bytes.Equal(a.Pixels, c.Pixels) {
		t.Error("not a function of the seed")
	}
}

func options(batch int) func(*data.Dataset) (data.LoaderOptions, error) {
	p := data.Preprocess{Resolution: 16, Fit: "pad", Std: [3]float64{1, 1, 1}}
	return func(*data.Dataset) (data.LoaderOptions, error) {
		return data.LoaderOptions{BatchSize: batch, Train: true, Preprocess: p, Decode: data.DecodeExact}, nil
	}
}

// TestStream: epochs follow each other, without the smaller batch at the end of each.
func TestStream(t *testing.T) {
	s, err := Open(t.Context(), datasets.Source{Path: testset.Images(t, 6, 1)}, options(8)) // 8, 8 and 2
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 5 {
		b, err := s.Next()
		if err != nil || b.N != 8 {
			t.Fatalf("batch %d: %+v, %v", i, b, err)
		}
	}
	if spent := s.Spent(); s.Classes != 3 || spent.Images < 5*8 || spent.Decoding <= 0 {
		t.Errorf("%d classes, spent %+v", s.Classes, spent)
	}
}

func TestStreamErrors(t *testing.T) {
	dir := testset.Images(t, 6, 1)
	for _, c := range []struct {
		name, path string
		batch      int
		want       string
	}{
		{"too few images", dir, 19, dir + " has 18 images, less than a batch of 19"},
		{"no folder", "nowhere", 2, "nowhere"},
		{"no batch", dir, 0, ""},
	} {
		if _, err := Open(t.Context(), datasets.Source{Path: c.path}, options(c.batch)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	images, err := filepath.Glob(filepath.Join(dir, "train", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range images[1:] { // one is left
		if err := os.WriteFile(path, []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), datasets.Source{Path: dir}, options(8))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(); err == nil || !strings.Contains(err.Error(), "no full batch") {
		t.Errorf("broken images: %v", err)
	}
}
