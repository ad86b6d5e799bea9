package classify

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/weights/weightstest"
)

// distinct is [written] with a head that tells images apart; that of initial weights is zero.
func distinct(t *testing.T) string {
	t.Helper()
	w := weightstest.New(t)
	w.Classes = []string{"blue", "green", "yellow"}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, a := range w.Arrays {
		if values, ok := a.Data.Data().([]float32); ok && strings.HasSuffix(a.Name, "classifier.weight") {
			for i := range values {
				values[i] = float32(5e14 * rng.NormFloat64()) // features of initial weights are about 1e-15
			}
		}
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// predicted collects what PredictImages yields.
func predicted(t *testing.T, c PredictConfig, images *data.Dataset) (list []Prediction) {
	t.Helper()
	for p, err := range PredictImages(t.Context(), c, images) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Index != len(list) || p.Error == "" && len(p.Logits) != 3 || p.Side != 32 {
			t.Fatalf("%+v at %d", p, len(list))
		}
		list = append(list, p.Prediction)
	}
	return list
}

// TestPredictImages: the results are those of Predict in the order of the images, whatever the batches and workers; images that
// cannot be read are in their places.
func TestPredictImages(t *testing.T) {
	path := distinct(t)
	dir := testset.Images(t, 1, 4)
	files, err := filepath.Glob(filepath.Join(dir, "val", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	arguments := slices.Concat([]string{"missing.jpg"}, files[:5], []string{"no*.jpg", "-"}, files[5:], []string{files[0], "missing.jpg"})
	stdin := testset.Contents(t, files[2])
	var first []Prediction
	for _, c := range []PredictConfig{{BatchSize: 1}, {BatchSize: 3, Workers: 2}, {BatchSize: 100, Workers: 1}, {BatchSize: 5}} {
		images, err := Inputs(t.Context(), arguments, InputOptions{Stdin: bytes.NewReader(stdin)})
		if err != nil {
			t.Fatal(err)
		}
		c.Weights, c.Options, c.Top = path, onCPU, 3
		got := predicted(t, c, images.Dataset)
		if len(got) != len(arguments) {
			t.Fatalf("%d predictions of %d images", len(got), len(arguments))
		}
		if first == nil {
			first = got
		}
		for i, p := range got {
			bad := strings.HasPrefix(arguments[i], "missing") || strings.HasPrefix(arguments[i], "no*")
			if p.Image != arguments[i] || bad != (p.Error != "") || !bad && !close(p.Top, first[i].Top) {
				t.Errorf("%s: %+v, first %+v", arguments[i], p, first[i])
			}
		}
		if !close(got[7].Top, got[3].Top) {
			t.Errorf("on standard input %+v, in the file %+v", got[7], got[3])
		}
	}
}

// close reports whether classes are the same and probabilities nearly: sums differ with the batch, in float32.
func close(a, b []ClassProbability) bool {
	return slices.EqualFunc(a, b, func(x, y ClassProbability) bool {
		return x.Index == y.Index && math.Abs(x.Probability-y.Probability) < 1e-5
	})
}

// TestThreshold: classes below are left out, and an image without one has an empty list in JSON.
func TestThreshold(t *testing.T) {
	path, files := distinct(t), []string{filepath.Join(testset.Images(t, 1, 1), "val", "red", "01.jpg"), "missing.jpg"}
	all, err := Predict(t.Context(), PredictConfig{Weights: path, Top: 3, Options: onCPU}, files)
	if err != nil {
		t.Fatal(err)
	}
	second := all[0].Top[1].Probability
	for _, c := range []struct {
		threshold float64
		want      int
	}{{0, 3}, {second, 2}, {math.Nextafter(second, 1), 1}, {1, 0}} {
		got, err := Predict(t.Context(), PredictConfig{Weights: path, Top: 3, Threshold: c.threshold, Options: onCPU}, files)
		if err != nil || len(got[0].Top) != c.want || got[1].Error == "" {
			t.Errorf("threshold %v: %+v, %v; want %d classes", c.threshold, got, err, c.want)
		}
		text, err := got[0].MarshalJSON()
		if c.want == 0 && (err != nil || !strings.Contains(string(text), `"top":[]`)) {
			t.Errorf("JSON %s, %v", text, err)
		}
		if text, err := got[1].MarshalJSON(); err != nil || strings.Contains(string(text), `"top"`) {
			t.Errorf("JSON %s, %v", text, err)
		}
	}
	for _, wrong := range []float64{-0.1, 1.5, 50, math.NaN()} {
		if _, err := Predict(t.Context(), PredictConfig{Weights: path, Threshold: wrong, Options: onCPU}, files); err == nil || !strings.Contains(err.Error(), "must be 0 to 1") {
			t.Errorf("threshold %v: %v", wrong, err)
		}
	}
}

// TestPredictImagesEnds: a loop that ends early, an interrupt, no images, and weights that diverged.
func TestPredictImagesEnds(t *testing.T) {
	path, dir := distinct(t), testset.Images(t, 1, 4)
	images, err := Inputs(t.Context(), []string{filepath.Join(dir, "val")}, InputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := PredictConfig{Weights: path, BatchSize: 2, Workers: 2, Options: onCPU}
	n := 0
	for _, err := range PredictImages(t.Context(), c, images.Dataset) {
		if n++; err != nil || n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("the loop ended after %d images", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n = 0
	var last error
	for _, err := range PredictImages(ctx, c, images.Dataset) {
		if last = err; err == nil {
			n++
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) || n == 0 || n >= images.Len() {
		t.Errorf("interrupted: %d images, %v", n, last)
	}
	for p, err := range PredictImages(t.Context(), c, &data.Dataset{Classes: []string{""}}) {
		t.Errorf("no images: %+v, %v", p, err)
	}

	w := weightstest.New(t)
	bias, ok := w.Arrays[len(w.Arrays)-1].Data.Data().([]float32)
	if !ok {
		t.Fatal("no float32")
	}
	bias[0] = float32(math.NaN())
	diverged := filepath.Join(t.TempDir(), "nan.safetensors")
	if err := w.Write(diverged); err != nil {
		t.Fatal(err)
	}
	if _, err = Predict(t.Context(), PredictConfig{Weights: diverged, Options: onCPU}, []string{images.Samples[0].Path}); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("diverged weights: %v", err)
	}
}

// TestHugeImage: an image beyond the limit of pixels is an image that cannot be read, found from its header.
func TestHugeImage(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	huge := b.Bytes()
	copy(huge[16:24], []byte{0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff}) // the size in IHDR
	path := filepath.Join(t.TempDir(), "huge.png")
	if err := os.WriteFile(path, huge, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := Predict(t.Context(), PredictConfig{Weights: distinct(t), Options: onCPU}, []string{path})
	if err != nil || got[0].Error == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestExplain: the map of the most probable class is the default, and a wrong class names the right ones.
func TestExplain(t *testing.T) {
	path := distinct(t)
	images, err := Inputs(t.Context(), []string{filepath.Join(testset.Images(t, 1, 2), "val")}, InputOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"", "green"} {
		c := PredictConfig{Weights: path, BatchSize: 4, Top: 1, Threshold: 1, Explain: true, ExplainClass: class, Options: onCPU}
		for p, err := range PredictImages(t.Context(), c, images.Dataset) {
			if err != nil {
				t.Fatal(err)
			}
			top := TopClasses(p.Logits, p.Classes, 1)[0]
			if class != "" {
				top = ClassProbability{Class: "green", Index: 1, Probability: Softmax(p.Logits)[1]}
			}
			if p.Map.Class != top || len(p.Map.Values) != p.Map.Height*p.Map.Width || p.Map.Height != 1 {
				t.Errorf("--class %q: %+v, want %+v", class, p.Map, top)
			}
		}
	}
	for _, err := range PredictImages(t.Context(), PredictConfig{Weights: path, Explain: true, ExplainClass: "gren", Options: onCPU}, images.Dataset) {
		if err == nil || !strings.Contains(err.Error(), `no class "gren": did you mean green?`) {
			t.Errorf("a wrong class: %v", err)
		}
	}
}
