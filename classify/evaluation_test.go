package classify

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestCrossEntropy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		logits := make([]float32, 7)
		sum := 0.0
		for i := range logits {
			logits[i] = 10 * (rng.Float32() - 0.5)
			sum += math.Exp(float64(logits[i]))
		}
		want := -math.Log(math.Exp(float64(logits[3])) / sum)
		if got := crossEntropy(logits, 3); math.Abs(got-want) > 1e-13 {
			t.Errorf("cross entropy %v, want %v", got, want)
		}
	}
	if got := crossEntropy([]float32{1e30, 0}, 1); got != 1e30 && math.Abs(got/1e30-1) > 1e-6 { // 1e30 as float32
		t.Errorf("cross entropy of huge logits is %v", got)
	}
	if got := crossEntropy([]float32{-1e30, -1e30}, 1); math.Abs(got-math.Ln2) > 1e-15 {
		t.Errorf("cross entropy of two equal logits is %v", got)
	}
}

func TestScore(t *testing.T) {
	if a, b, c := (Score{}).Rates(); a != 0 || b != 0 || c != 0 {
		t.Errorf("nothing rates %v %v %v", a, b, c)
	}
	if a, b, c := (Score{Images: 8, Top1: 2, Top5: 6, Loss: 4}).Rates(); a != 0.25 || b != 0.75 || c != 0.5 {
		t.Errorf("rates %v %v %v", a, b, c)
	}
}
