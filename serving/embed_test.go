package serving

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights/weightstest"
)

// TestEmbedAgreesWithClassify: files and readers give the embeddings of classify.Embed, in batches that hold requests
// for logits as well, which stay those of classify.Predict.
func TestEmbedAgreesWithClassify(t *testing.T) {
	weights, options := filepath.Join(t.TempDir(), "w.safetensors"), backend.Options{Threads: 1}
	if err := weightstest.New(t).Write(weights); err != nil {
		t.Fatal(err)
	}
	paths := colors(t)
	want, err := classify.Embed(t.Context(), classify.EmbedConfig{Weights: weights, Options: options}, paths)
	if err != nil || len(want.Paths) != len(paths) {
		t.Fatal(want.Skipped, err)
	}
	predicted, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: weights, Options: options}, paths)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{Weights: weights, Options: options, MaxBatch: 4})
	if err != nil {
		t.Fatal(err)
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
				byReader, err := c.Embed(t.Context(), bytes.NewReader(file))
				if err != nil || !near(byReader, want.Row(i)) {
					t.Errorf("%s as a reader: error %v, or another embedding", path, err)
				}
				byPath, err := c.EmbedFile(t.Context(), path)
				if err != nil || !near(byPath, want.Row(i)) {
					t.Errorf("%s: error %v, or another embedding", path, err)
				}
				if top, err := c.PredictFile(t.Context(), path, 3); err != nil || !alike(top, predicted[i].Top) {
					t.Errorf("%s: %v, %v; want %v", path, top, err, predicted[i].Top)
				}
			})
		}
	}
	wait.Wait()
	if s := c.Stats(); s.Images != 45 {
		t.Errorf("stats %+v", s)
	}
	if _, err := c.Embed(t.Context(), strings.NewReader("no image")); err == nil {
		t.Error("a text has an embedding")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.EmbedFile(t.Context(), paths[0]); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// near tolerates the rounding of another batch: 1e-5 of a value.
func near(a, b []float32) bool {
	for i := range b {
		if len(a) != len(b) || math.Abs(float64(a[i]-b[i])) > 1e-5*(1+math.Abs(float64(b[i]))) {
			return false
		}
	}
	return true
}

// TestMixedBatch: a batch of requests for logits and for features has the results of separate ones, in its order. The
// head makes the logits of the features.
func TestMixedBatch(t *testing.T) {
	v1 := tiny(t)
	v1.Resolution = 32
	for _, c := range []struct {
		name  string
		graph *models.Graph
	}{{"mobilenet_v1", graphOf(t, v1)}, {"mobilenet_v2", mobileNetV2(t)}, {"spatial features", residual(t, 32, 32)}} {
		t.Run(c.name, func(t *testing.T) {
			err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
				b, err := newBatchForward(s, EngineConfig{Std: [3]float64{1, 1, 1}, Network: func(s *autograd.Scope) (*backend.Network, error) {
					return backend.New(s, c.graph, 3), nil
				}})
				if err != nil {
					return err
				}
				mixed, err := b.compute([]request{{picture(1, 32), true}, {picture(1, 32), false}, {picture(2, 32), true}})
				if err != nil {
					return err
				}
				return s.NoGrad(func(s *autograd.Scope) error {
					first := c.graph.Layers[len(c.graph.Layers)-c.graph.HeadLayers()].In
					shape := []int64{1, int64(first.Channels)}
					if first.Spatial() {
						shape = append(shape, int64(first.Height), int64(first.Width))
					}
					logits := autograd.ToSlice[float32](s, b.network.Head(s, autograd.FromSlice(s, mixed[0], shape...), autograd.Evaluation))
					// float32 operations in another order: measured 4e-6
					if d, apart := distance(mixed[1], logits), distance(mixed[0], mixed[2]); !(d < 2e-5) || !(apart > 1e-3) {
						t.Errorf("logits differ by %.2g of the largest; two images by %.2g", d, apart)
					}
					return s.Err()
				})
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func graphOf(t *testing.T, c mobilenet.Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestNoFeatures: a network without a head has no embeddings, and still classifies.
func TestNoFeatures(t *testing.T) {
	g, err := models.Build("headless", models.Input(models.Shape{Channels: 3, Height: 8, Width: 8}).Conv(models.Conv{Out: 3, Kernel: 3}).GlobalAvgPool())
	if err != nil {
		t.Fatal(err)
	}
	k := engine(t, EngineConfig{Std: [3]float64{1, 1, 1}, Network: func(s *autograd.Scope) (*backend.Network, error) { return backend.New(s, g, 1), nil }})
	if _, err := k.Embed(t.Context(), picture(1, 8)); err == nil || !strings.Contains(err.Error(), "has no features") {
		t.Errorf("embedding: %v", err)
	}
	if logits, err := k.Classify(t.Context(), picture(1, 8)); err != nil || len(logits) != 3 {
		t.Errorf("logits %v, %v", logits, err)
	}
}
