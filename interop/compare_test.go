package interop

import (
	"math"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name          string
		ours, theirs  []float32
		probabilities bool
		want          float64
	}{
		{"equal", []float32{1, -2}, []float32{1, -2}, false, 0},
		{"the larger of two", []float32{1, -2, 3, 4}, []float32{1.5, -2, 3, 3.75}, false, 0.5},
		{"equal infinities", []float32{inf, -2}, []float32{inf, -2}, false, 0},
		{"an infinity", []float32{inf, -2}, []float32{1, -2}, false, math.Inf(1)},
		{"not a number, then equal", []float32{1, 2}, []float32{nan, 2}, false, math.NaN()},
		{"ours is not a number", []float32{1, nan}, []float32{1, 2}, false, math.NaN()},
		// softmax of (0, log 3) is (1/4, 3/4)
		{"probabilities", []float32{0, float32(math.Log(3))}, []float32{float32(math.Log(0.25)), float32(math.Log(0.75))}, true, 0},
		{"probabilities of large logits", []float32{1000, 1000}, []float32{float32(math.Log(0.5)), float32(math.Log(0.5))}, true, 0},
		{"probabilities that differ", []float32{0, 0}, []float32{float32(math.Log(0.5)), float32(math.Log(0.25))}, true, math.Log(2)},
		{"logits where probabilities are said to be", []float32{0, 0}, []float32{0, 0}, true, math.Log(2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := Answer{Logits: c.theirs, Shape: []int{len(c.theirs) / 2, 2}, Probabilities: c.probabilities}
			got, err := Compare(a, c.ours, 2)
			same := math.Abs(got-c.want) < 1e-7 || got == c.want || math.IsNaN(got) && math.IsNaN(c.want)
			if err != nil || !same {
				t.Errorf("difference %v, %v; want %v", got, err, c.want)
			}
		})
	}
}

func TestCompareRefusesOtherShapes(t *testing.T) {
	for _, shape := range [][]int{{2}, {1, 2}, {2, 1}, {1, 2, 1}} {
		a := Answer{Logits: make([]float32, 4), Shape: shape}
		if _, err := Compare(a, make([]float32, 4), 2); err == nil || !strings.Contains(err.Error(), "want [2 2]") {
			t.Errorf("shape %v: error %v", shape, err)
		}
	}
}
