package tflite

import (
	"bytes"
	"math"
	"testing"

	"depthwise.dev/weights"
)

// tolerance is absolute: weights with a folded batch norm are rounded to float32. Measured: 3e-8.
const tolerance = 1e-6

func written(t testing.TB, w weights.Weights, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, w, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// images returns two images (N, C, H, W) of a case, and the same values in the order of the file (N, H, W, C).
func (g graph) images() (nchw, nhwc array) {
	nchw = zeros(2, g.input.Channels, g.input.Height, g.input.Width)
	nhwc = zeros(2, g.input.Height, g.input.Width, g.input.Channels)
	for i, v := range noise(len(nchw.values), 99) {
		x, y, c, n := i%g.input.Width, i/g.input.Width%g.input.Height, i/(g.input.Width*g.input.Height)%g.input.Channels, i/int(g.input.Values())
		nchw.values[i], nhwc.values[nhwc.at(n, y, x, c)] = float64(v), float64(v)
	}
	return nchw, nhwc
}

// TestLogits computes what was written, for two images, and compares with the graph.
func TestLogits(t *testing.T) {
	for _, g := range append(windows(), kinds...) {
		t.Run(g.name, func(t *testing.T) {
			w := g.weights(t)
			images, input := g.images()
			want := reference(t, w, images)
			got := parse(t, written(t, w, Options{})).run(t, input)
			compare(t, got, want, tolerance)
		})
	}
}

func compare(t *testing.T, got, want array, tolerance float64) {
	t.Helper()
	if len(got.values) != len(want.values) {
		t.Fatalf("%d logits, want %d", len(got.values), len(want.values))
	}
	for i := range want.values {
		if d := math.Abs(got.values[i] - want.values[i]); !(d <= tolerance) {
			t.Fatalf("logit %d: %v, want %v", i, got.values[i], want.values[i])
		}
	}
}
