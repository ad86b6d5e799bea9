package weights_test

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// TestThresholds: recorded ones, the default, and damaged ones.
func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []float64
		found      bool
		err        string
	}{
		{"none", "", []float64{0.5, 0.5, 0.5}, false, ""},
		{"recorded", "[0.25,0.5,1]", []float64{0.25, 0.5, 1}, true, ""},
		{"too few", "[0.25]", nil, false, "1 values for 3 classes"},
		{"no probability", "[0.25,0.5,2]", nil, false, "from 0 to 1"},
		{"damaged", "[0.25", nil, false, `metadata "thresholds"`},
	} {
		w := weightstest.New(t)
		if c.text != "" {
			w.Meta[weights.MetaThresholds] = c.text
		}
		got, found, err := w.Thresholds()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil || found != c.found || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, %v", c.name, got, found, err)
		}
	}
}

// TestTask: derived weights keep what their logits mean, and a task of another version is refused.
func TestTask(t *testing.T) {
	w := weightstest.New(t)
	if w.MultiLabel() {
		t.Error("weights without a task are multi-label")
	}
	w.Meta[weights.MetaTask] = weights.TaskMultiLabel
	if err := w.SetThresholds([]float64{0.1, 0.2, 0.3}); err != nil {
		t.Fatal(err)
	}
	f, err := w.Derived().File()
	if err != nil {
		t.Fatal(err)
	}
	again, err := weights.FromFile(f)
	if thresholds, found, _ := again.Thresholds(); err != nil || !again.MultiLabel() || !found || thresholds[2] != 0.3 {
		t.Errorf("%v, %v", again.Meta, err)
	}
	f.Meta[weights.MetaTask] = "segmentation"
	if _, err := weights.FromFile(f); err == nil || !strings.Contains(err.Error(), `"segmentation"`) {
		t.Errorf("error %v", err)
	}
}
