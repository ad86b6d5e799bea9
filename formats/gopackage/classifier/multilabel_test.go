package classifier

import (
	"math"
	"slices"
	"testing"
)

// TestMultiLabel: probabilities of independent classes are sigmoids, and thresholds those of the file.
func TestMultiLabel(t *testing.T) {
	c := &Classifier{header: &Header{Classes: []string{"a", "b", "c"}, Metadata: map[string]string{"task": "multi_label"}}}
	list := c.predictions([]float32{-1, 2, 0})
	var classes []string
	for _, p := range list {
		classes = append(classes, p.Class)
	}
	if !c.MultiLabel() || !slices.Equal(classes, []string{"b", "c", "a"}) || list[1].Probability != 0.5 || math.Abs(list[0].Probability-1/(1+math.Exp(-2))) > 1e-15 {
		t.Errorf("%+v", list)
	}
	if got := c.Thresholds(); !slices.Equal(got, []float64{0.5, 0.5, 0.5}) {
		t.Errorf("thresholds %v", got)
	}
	for text, want := range map[string]float64{"[0.1,0.2,0.3]": 0.3, "[0.1]": 0.5, "{": 0.5} {
		c.header.Metadata["thresholds"] = text
		if got := c.Thresholds(); got[2] != want {
			t.Errorf("%s: thresholds %v", text, got)
		}
	}
	c.header.Metadata = nil
	if c.MultiLabel() {
		t.Error("a file without a task is multi-label")
	}
}
