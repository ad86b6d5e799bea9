package train

import "testing"

func TestTally(t *testing.T) {
	sum := tally{Images: 3, Correct: 1, Loss: 1.5, Skipped: 1}
	sum.add(tally{Images: 5, Correct: 3, Loss: 6.5, Skipped: 2})
	if loss, top1 := sum.rates(); loss != 1 || top1 != 0.5 || sum.Skipped != 3 {
		t.Errorf("tally %+v rates %v %v", sum, loss, top1)
	}
}
