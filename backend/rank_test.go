package backend

import (
	"math"
	"testing"
)

func TestRank(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		logits []float32
		class  int
		want   int
	}{
		{"greatest", []float32{1, 5, 3}, 1, 1},
		{"second", []float32{1, 5, 3}, 2, 2},
		{"last", []float32{1, 5, 3}, 0, 3},
		{"a tie counts against it", []float32{5, 5, 3}, 0, 2},
		{"all equal", []float32{0, 0, 0, 0, 0, 0}, 3, 6},
		{"not a number itself", []float32{1, nan, 3}, 1, 3},
		{"not a number elsewhere", []float32{1, nan, 3}, 2, 2},
		{"only class", []float32{-4}, 0, 1},
	} {
		if got := Rank(c.logits, c.class); got != c.want {
			t.Errorf("%s: rank %d, want %d", c.name, got, c.want)
		}
	}
	// Labels 1, 0, 0: right, tied, right.
	if got := correct([]float32{0, 1, 2, 2, 7, -7}, []int64{1, 0, 0}); got != 2 {
		t.Errorf("%d correct, want 2", got)
	}
}
