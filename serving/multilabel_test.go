package serving

import (
	"path/filepath"
	"reflect"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// TestMultiLabelClassifier: the classes that reach their thresholds, as classify.Predict returns them.
func TestMultiLabelClassifier(t *testing.T) {
	w := weightstest.New(t)
	w.Meta[weights.MetaTask] = weights.TaskMultiLabel
	if err := w.SetThresholds([]float64{0, 1, 0}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{Weights: path, Options: backend.Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	image := colors(t)[0]
	got, err := c.PredictFile(t.Context(), image, 3)
	if err != nil || len(got) != 2 || got[0].Class == "a" || got[1].Class == "a" || !c.MultiLabel {
		t.Errorf("%+v, %v", got, err)
	}
	want, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: path, Options: backend.Options{Threads: 1}}, []string{image})
	if err != nil || !reflect.DeepEqual(got, want[0].Top) {
		t.Errorf("%+v, want %+v: %v", got, want[0].Top, err)
	}
}
