package optim

import "math"

// AverageWarmup raises the decay of a weight average from 0 to its final value, so that the average of a
// short run leaves the first weights behind. In update t, counted from 0, the decay is at most
//
//	1 - (1+t/Gamma)^-Power
//
// and at least Min: timm's ModelEmaV3 with use_warmup. The zero value is no warm-up.
type AverageWarmup struct {
	Gamma float64 // 0: no warm-up
	Power float64
	Min   float64
}

// TimmWarmup has the defaults of timm's ModelEmaV3, which --model-ema-warmup of timm's train.py uses. The
// average is then over the last t^(2/3) updates at most: 20 after 100 updates, 100 after 1,000.
var TimmWarmup = AverageWarmup{Gamma: 1, Power: 2. / 3}

// decay is the decay of update t, counted from 0, of an average with this final decay. The first update
// copies the arrays.
func (w AverageWarmup) decay(t int64, final float64) float64 {
	switch {
	case t <= 0:
		return 0
	case w.Gamma == 0:
		return final
	}
	return max(min(1-math.Pow(1+float64(t)/w.Gamma, -w.Power), final), w.Min)
}

// TorchvisionDecay returns the decay that torchvision's reference training uses for --model-ema-decay: with
// 1-decay in proportion to the batch size and to the steps between updates, and inversely to the epochs,
//
//	1 - min(1, (1-decay)*batch*every/epochs)
//
// so that one value suits runs of any length (https://github.com/facebookresearch/pycls, core/net.py).
// Its average is updated every 32 steps, counted from the start of each epoch, and [Average.Restart] follows each
// update in the epochs of the learning rate's warmup.
func TorchvisionDecay(decay float64, batch, every, epochs int) float64 {
	adjust := float64(batch) * float64(every) / float64(epochs)
	return 1 - min(1, (1-decay)*adjust)
}

// TorchvisionEvery is the number of steps between updates in torchvision's reference training, its default
// of --model-ema-steps.
const TorchvisionEvery = 32
