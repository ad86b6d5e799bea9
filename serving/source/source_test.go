package source

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/serving"
	"depthwise.dev/serving/httpserver"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// write writes small weights of three classes to a folder.
func write(t *testing.T, change func(*weights.Weights)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "w.safetensors")
	w := weightstest.New(t)
	if change != nil {
		change(&w)
	}
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened opens a source, which the test closes.
func opened(t *testing.T, c serving.Config, onBatch func(int)) httpserver.Model {
	t.Helper()
	c.Threads = 1
	m, err := Weights("pets", c).Open(onBatch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func gray(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestModel: probabilities are those of classify.Predict; the image that tried the weights is not counted.
func TestModel(t *testing.T) {
	path, batches := write(t, nil), 0
	m := opened(t, serving.Config{Weights: path}, func(n int) { batches += n })
	file := gray(t, 50, 40)
	photo := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(photo, file, 0o644); err != nil {
		t.Fatal(err)
	}
	want, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: path, Options: backend.Options{Threads: 1}, Top: 2}, []string{photo})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Classify(t.Context(), file, 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, error %v", got, err)
	}
	for i, p := range want[0].Top {
		if got[i].Class != p.Class || got[i].Index != p.Index || math.Abs(got[i].Probability-p.Probability) > 1e-6 { // float32
			t.Errorf("%+v, want %+v", got[i], p)
		}
	}
	d := m.Describe()
	features, err := m.Embed(t.Context(), file)
	if err != nil || len(features) != d.Features || d.Features == 0 {
		t.Errorf("%d features, want %d; error %v", len(features), d.Features, err)
	}
	if strings.Join(d.Classes, " ") != "b a ü" || d.Height != 32 || d.Width != 32 || len(d.Version) != 12 || d.Network == "" {
		t.Errorf("description %+v", d)
	}
	if s := m.Stats(); s.Images != 2 || batches != 2 {
		t.Errorf("stats %+v, %d in batches", s, batches)
	}
}

// TestErrors: errors of images are those of httpserver, with a text for a client.
func TestErrors(t *testing.T) {
	m := opened(t, serving.Config{Weights: write(t, nil), MaxPixels: 3000, MaxFileSize: 10_000}, func(int) {})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		file []byte
		want error
		text string
	}{
		{"no image", t.Context(), []byte("hello"), httpserver.ErrImage, "not an image"},
		{"half an image", t.Context(), gray(t, 50, 40)[:60], httpserver.ErrImage, "png"},
		{"many pixels", t.Context(), gray(t, 60, 60), httpserver.ErrTooLarge, "60x60"},
		{"many bytes", t.Context(), make([]byte, 10_001), httpserver.ErrTooLarge, "10001 bytes"},
		{"a request that has ended", ended, gray(t, 50, 40), context.Canceled, "canceled"},
	} {
		for name, compute := range map[string]func() error{
			"Classify": func() error { _, err := m.Classify(c.ctx, c.file, 1); return err },
			"Embed":    func() error { _, err := m.Embed(c.ctx, c.file); return err },
		} {
			err := compute()
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "data:") {
				t.Errorf("%s, %s: error %v, want %v with %q", name, c.name, err, c.want, c.text)
			}
		}
	}
}

// TestDamagedWeights: weights that compute no numbers are not served.
func TestDamagedWeights(t *testing.T) {
	path := write(t, func(w *weights.Weights) {
		for _, a := range w.Arrays {
			if values, ok := a.Data.Data().([]float32); ok {
				for i := range values {
					values[i] = float32(math.NaN())
				}
			}
		}
	})
	if _, err := Weights("pets", serving.Config{Weights: path}).Open(func(int) {}); err == nil || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("error %v", err)
	}
}

// TestState: the state changes with what weights are read from, and only with that.
func TestState(t *testing.T) {
	run := t.TempDir()
	at := time.Unix(1_000_000, 0)
	touch := func(name, content string) {
		t.Helper()
		path := filepath.Join(run, name)
		at = at.Add(time.Second)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644), os.Chtimes(path, at, at))
		if err != nil {
			t.Fatal(err)
		}
	}
	source := Weights("pets", serving.Config{Weights: run})
	if _, err := source.State(); err == nil {
		t.Error("an empty folder has a state")
	}
	last := ""
	for _, c := range []struct {
		name, file string
		changes    bool
	}{
		{"weights of another tool", "model.safetensors", true},
		{"their configuration", "config.json", true},
		{"a checkpoint", "checkpoints/step-1.safetensors", true},
		{"another checkpoint", "checkpoints/step-2.safetensors", true},
		{"events", "events.jsonl", false},
		{"the best weights", "best.safetensors", true},
		{"a checkpoint beside the best weights", "checkpoints/step-3.safetensors", false},
		{"better ones", "best.safetensors", true},
	} {
		touch(c.file, "x")
		state, err := source.State()
		if err != nil || (state != last) != c.changes {
			t.Errorf("%s: state %q after %q, error %v", c.name, state, last, err)
		}
		last = state
	}
}
