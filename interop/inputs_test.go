//go:build interop

package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// input is a batch with our logits of it.
type input struct {
	name   string
	n      int
	pixels []uint8   // (n, H, W, 3); nil: the values are those of no image
	values []float32 // (n, C, H, W), normalized
	logits []float32 // of the unfused reference
	fused  []float32 // of the fused kernels; nil where they do not support the graph
}

// inputs returns a batch of three photographs and two images of noise, one image of noise alone, and normal values outside the
// range of pixels.
func inputs(t *testing.T, w weights.Weights) []input {
	rng := rand.New(rand.NewPCG(1, 16))
	shape := w.Graph.Input
	size := shape.Channels * shape.Height * shape.Width
	normal := input{name: "normal", n: 2, values: make([]float32, 2*size)}
	for i := range normal.values {
		normal.values[i] = float32(rng.NormFloat64() * 1.5)
	}
	list := []input{normal}
	if shape.Channels == 3 && shape.Height == shape.Width {
		list = append(list,
			input{name: "images", n: 5, pixels: append(images(t, w.Preprocess, 3), noise(rng, 2*size)...)},
			input{name: "noise", n: 1, pixels: noise(rng, size)})
	}
	for i := range list {
		list[i].compute(t, w)
	}
	return list
}

// images reads some images of INTEROP_IMAGES, a folder with images in folders, or draws them.
func images(t *testing.T, p data.Preprocess, count int) []uint8 {
	var paths []string
	if dir := os.Getenv("INTEROP_IMAGES"); dir != "" {
		d, err := data.OpenFolder(fromRoot(dir))
		if err != nil {
			t.Fatal(err)
		}
		for i := range count {
			paths = append(paths, d.Samples[i*len(d.Samples)/count].Path)
		}
	} else {
		rng := rand.New(rand.NewPCG(4, 4))
		dir := t.TempDir()
		for i := range count {
			testset.WriteImage(t, dir, 2*i, pattern(i, rng))
			paths = append(paths, filepath.Join(dir, fmt.Sprintf("%02d.png", 2*i)))
		}
	}
	var pixels []uint8
	for _, path := range paths {
		one, err := data.LoadImage(path, p)
		if err != nil {
			t.Fatal(err)
		}
		pixels = append(pixels, one...)
	}
	return pixels
}

func noise(rng *rand.Rand, size int) []uint8 {
	b := make([]uint8, size)
	for i := range b {
		b[i] = uint8(rng.UintN(256))
	}
	return b
}

// compute normalizes pixels and computes the logits.
func (in *input) compute(t *testing.T, w weights.Weights) {
	shape := w.Graph.Input
	autogradtest.Run(t, func(s *autograd.Scope) {
		if in.pixels != nil {
			x := s.NormalizeImages(in.pixels, in.n, shape.Height, shape.Width, w.Preprocess.Mean, w.Preprocess.Std, autograd.CPU)
			in.values = autograd.ToSlice[float32](s, x)
		}
	})
	in.logits = logits(t, backend.Torch{}, w, in.values, in.n)
	if (backend.Fused{}).Supports(w.Graph, autograd.CPU) == nil {
		in.fused = logits(t, backend.Fused{}, w, in.values, in.n)
	}
	if d := spread(in.logits, w.Graph.Classes()); in.n > 2 && !(d >= leastSpread) {
		t.Errorf("%s: the logits of %s differ by %.2g between images: a wrong network would agree with them", w.Graph, in.name, d)
	}
}

// leastSpread is the least difference of a class's logits between images that shows what a network computes.
const leastSpread = 0.5

// spread is the largest difference of a class's logits between two images.
func spread(logits []float32, classes int) (largest float32) {
	for class := range classes {
		low, high := logits[class], logits[class]
		for i := class; i < len(logits); i += classes {
			low, high = min(low, logits[i]), max(high, logits[i])
		}
		largest = max(largest, high-low)
	}
	return largest
}

// logits computes logits by a backend.
func logits(t *testing.T, b backend.Backend, w weights.Weights, values []float32, n int) (result []float32) {
	shape := w.Graph.Input
	autogradtest.Run(t, func(s *autograd.Scope) {
		network, err := backend.Load(s, w, autograd.CPU)
		if err != nil {
			t.Fatal(err)
		}
		x := autograd.FromSlice(s, values, int64(n), int64(shape.Channels), int64(shape.Height), int64(shape.Width))
		result = autograd.ToSlice[float32](s, b.Inference(s, network, autograd.Float32).Forward(s, s.ChannelsLast(x)))
	})
	return result
}

// write writes the input as a .npy file.
func (in input) write(t *testing.T, path string, shape models.Shape, pixels bool) {
	a, err := checkpoints.NewArray("input", in.values, in.n, shape.Channels, shape.Height, shape.Width)
	if pixels {
		a, err = checkpoints.NewArray("input", in.pixels, in.n, shape.Height, shape.Width, shape.Channels)
	}
	if err == nil {
		err = checkpoints.WriteNPY(path, a.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
}
