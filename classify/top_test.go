package classify

import (
	"math"
	"testing"
)

func TestTopClasses(t *testing.T) {
	// exp(0), exp(ln 2), exp(ln 2), exp(ln 3) are 1, 2, 2, 3 of 8.
	logits := []float32{0, float32(math.Ln2), float32(math.Ln2), float32(math.Log(3))}
	want := []ClassProbability{{"d", 3, 0.375}, {"b", 1, 0.25}, {"c", 2, 0.25}, {"a", 0, 0.125}}
	for _, top := range []int{1, 3, 4, 9} {
		got := TopClasses(logits, []string{"a", "b", "c", "d"}, top)
		if len(got) != min(top, 4) {
			t.Fatalf("top %d: %d classes", top, len(got))
		}
		for i, g := range got {
			// float32 logits: 1e-7 relative
			if g.Class != want[i].Class || g.Index != want[i].Index || math.Abs(g.Probability-want[i].Probability) > 1e-7 {
				t.Errorf("top %d: class %d is %+v, want %+v", top, i, g, want[i])
			}
		}
	}
	huge := Softmax([]float32{1e30, -1e30, 0})
	if huge[0] != 1 || huge[1] != 0 || huge[2] != 0 {
		t.Errorf("softmax of huge logits is %v", huge)
	}
}
