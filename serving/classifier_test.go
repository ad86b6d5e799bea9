package serving

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/weights/weightstest"
)

// colors writes pictures of plain colors.
func colors(t *testing.T) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for name, c := range map[string]color.Color{"black.png": color.Black, "white.png": color.White, "red.png": color.RGBA{250, 20, 30, 255}} {
		m := image.NewRGBA(image.Rect(0, 0, 50, 40))
		for i := range 50 * 40 {
			m.Set(i%50, i/50, c)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Join(dir, name))
		if err := os.WriteFile(paths[len(paths)-1], b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// TestClassifierAgreesWithPredict: files and readers give the result of classify.Predict, also
// concurrently.
func TestClassifierAgreesWithPredict(t *testing.T) {
	weights := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weightstest.New(t).Write(weights); err != nil {
		t.Fatal(err)
	}
	paths := colors(t)
	want, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: weights, Options: backend.Options{Threads: 1}}, paths)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{Weights: weights, Options: backend.Options{Threads: 1}, MaxBatch: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if strings.Join(c.Classes, " ") != "b a ü" || c.Graph.Input.Height != 32 || c.Preprocess.Resolution != 32 {
		t.Errorf("it classifies %q at %v", c.Classes, c.Graph.Input)
	}
	var wait sync.WaitGroup
	for i, path := range paths {
		for range 5 {
			wait.Go(func() {
				file, err := os.ReadFile(path)
				if err != nil {
					t.Error(err)
					return
				}
				byReader, err := c.Predict(t.Context(), bytes.NewReader(file), 3)
				if err != nil || !alike(byReader, want[i].Top) {
					t.Errorf("%s as a reader: %v, error %v; want %v", path, byReader, err, want[i].Top)
				}
				byPath, err := c.PredictFile(t.Context(), path, 2)
				if err != nil || !alike(byPath, want[i].Top[:2]) {
					t.Errorf("%s: %v, error %v; want %v", path, byPath, err, want[i].Top[:2])
				}
			})
		}
	}
	wait.Wait()
	if s := c.Stats(); s.Images != 30 {
		t.Errorf("stats %+v", s)
	}
}

// alike tolerates the rounding of another batch: 1e-6 of a probability.
func alike(a, b []classify.ClassProbability) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Class != b[i].Class || a[i].Index != b[i].Index || math.Abs(a[i].Probability-b[i].Probability) > 1e-6 {
			return false
		}
	}
	return true
}

func TestClassifierErrors(t *testing.T) {
	dir := t.TempDir()
	weights := filepath.Join(dir, "w.safetensors")
	if err := weightstest.New(t).Write(weights); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"no weights": {Config{Weights: filepath.Join(dir, "none")}, "no such file"},
		"precision":  {Config{Weights: weights, Options: backend.Options{Precision: "fp8"}}, "precision"},
		"batch":      {Config{Weights: weights, MaxBatch: -1}, "MaxBatch -1"},
	} {
		if _, err := Open(c.config); err == nil || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "serving: ") > 1 {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	c, err := Open(Config{Weights: weights, Options: backend.Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	unread := errors.New("connection lost")
	if _, err := c.Predict(t.Context(), io.MultiReader(strings.NewReader("\x89PNG"), errorReader{unread}), 1); !errors.Is(err, unread) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := c.Predict(t.Context(), strings.NewReader("<html>"), 1); err == nil || !strings.Contains(err.Error(), "not an image") {
		t.Errorf("no image: %v", err)
	}
	if _, err := c.PredictFile(t.Context(), filepath.Join(dir, "none.jpg"), 1); err == nil || !strings.Contains(err.Error(), "none.jpg") {
		t.Errorf("no file: %v", err)
	}
	if _, err := c.PredictFile(t.Context(), colors(t)[0], 0); err == nil || !strings.Contains(err.Error(), "at least 1") {
		t.Errorf("no class wanted: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.PredictFile(t.Context(), colors(t)[0], 1); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }
