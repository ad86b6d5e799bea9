package report

import (
	"math"
	"testing"
)

// TestCounted: of the weights and their averages the best one counts.
func TestCounted(t *testing.T) {
	weights := Epoch{ValTop1: 0.5, ValTop5: 0.8, ValLoss: 2}
	for _, c := range []struct {
		name   string
		change func(*Epoch)
		want   Measured
	}{
		{"no average", func(e *Epoch) { e.EMAValTop1, e.SWAValTop1 = 1, 1 }, Measured{Top1: 0.5, Top5: 0.8, Loss: 2}},
		{"a better moving average", func(e *Epoch) { e.Averaged, e.EMAValTop1, e.EMAValTop5, e.EMAValLoss = true, 0.6, 0.7, 3 }, Measured{Top1: 0.6, Top5: 0.7, Loss: 3}},
		{"an equal moving average", func(e *Epoch) { e.Averaged, e.EMAValTop1, e.EMAValLoss = true, 0.5, 3 }, Measured{Top1: 0.5, Loss: 3}},
		{"a worse moving average", func(e *Epoch) { e.Averaged, e.EMAValTop1, e.EMAValLoss = true, 0.4, 1 }, Measured{Top1: 0.5, Top5: 0.8, Loss: 2}},
		{"an average that is not finite", func(e *Epoch) { e.Averaged, e.EMAValTop1, e.EMAValLoss = true, 0.9, math.NaN() }, Measured{Top1: 0.5, Top5: 0.8, Loss: 2}},
		{"weights that are not finite", func(e *Epoch) { e.ValLoss, e.Averaged, e.EMAValTop1, e.EMAValLoss = math.NaN(), true, 0.1, 3 }, Measured{Top1: 0.1, Loss: 3}},
		{"a better average of the last epochs", func(e *Epoch) {
			e.Averaged, e.EMAValTop1 = true, 0.6
			e.SWAEpochs, e.SWAValTop1, e.SWAValTop5, e.SWAValLoss = 3, 0.7, 0.9, 1
		}, Measured{Top1: 0.7, Top5: 0.9, Loss: 1}},
		{"a worse average of the last epochs", func(e *Epoch) { e.SWAEpochs, e.SWAValTop1, e.SWAValLoss = 3, 0.4, 1 }, Measured{Top1: 0.5, Top5: 0.8, Loss: 2}},
		{"several labels", func(e *Epoch) {
			e.ValMAP, e.Averaged, e.EMAValMAP, e.EMAValTop1, e.EMAValLoss = 0.3, true, 0.4, 0.1, 3
		}, Measured{Top1: 0.1, Loss: 3, MAP: 0.4}},
	} {
		e := weights
		c.change(&e)
		if got := e.Counted(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
