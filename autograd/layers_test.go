package autograd_test

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

const bnMomentum, bnEps = 0.1, 1e-3

// The initial running statistics of the tests' batch norms, three channels.
var bnMean, bnVar = []float64{0.5, -0.25, 2}, []float64{0.5, 1, 4}

func newBatchNorm(s *autograd.Scope, weight, bias *autograd.Tensor) autograd.BatchNorm {
	return autograd.BatchNorm{Weight: weight, Bias: bias, Momentum: bnMomentum, Eps: bnEps,
		Mean: autograd.FromSlice(s, bnMean, 3), Var: autograd.FromSlice(s, bnVar, 3)}
}

// moments returns the mean and the biased variance of each of three channels of (N, 3, H, W).
func moments(x array) (mean, variance [3]float64, count float64) {
	plane := product(x.shape[2:])
	count = float64(len(x.data) / 3)
	for i, v := range x.data {
		mean[i/plane%3] += v / count
	}
	for i, v := range x.data {
		d := v - mean[i/plane%3]
		variance[i/plane%3] += d * d / count
	}
	return mean, variance, count
}

func TestBatchNorm(t *testing.T) {
	x, weight, bias := random(1, 2, 3, 4, 5), random(2, 3), random(3, 3)
	mean, variance, count := moments(x)
	normalize := func(mean, variance []float64) (y []float64) {
		for i, v := range x.data {
			c := i / 20 % 3
			y = append(y, (v-mean[c])/math.Sqrt(variance[c]+bnEps)*weight.data[c]+bias.data[c])
		}
		return y
	}
	moved := func(updates int) (m, v []float64) {
		for c := range 3 {
			keep := math.Pow(1-bnMomentum, float64(updates))
			m = append(m, keep*bnMean[c]+(1-keep)*mean[c])
			v = append(v, keep*bnVar[c]+(1-keep)*variance[c]*count/(count-1)) // unbiased
		}
		return m, v
	}
	for _, c := range []struct {
		name    string
		mode    autograd.Mode
		want    []float64
		updates int // of the running statistics, per pass
	}{
		{"training uses the batch and updates the statistics", autograd.Training, normalize(mean[:], variance[:]), 1},
		{"evaluation uses and leaves the running statistics", autograd.Evaluation, normalize(bnMean, bnVar), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				bn := newBatchNorm(s, weight.tensor(s), bias.tensor(s))
				for pass := 1; pass <= 3; pass++ {
					y := bn.Forward(s, s.ChannelsLast(x.tensor(s)), c.mode)
					if pass == 1 {
						checkClose(t, "output", autograd.ToSlice[float64](s, y), c.want, 1e-13)
					}
					m, v := moved(pass * c.updates)
					checkClose(t, "running mean", autograd.ToSlice[float64](s, bn.Mean), m, 1e-13)
					checkClose(t, "running variance", autograd.ToSlice[float64](s, bn.Var), v, 1e-13)
				}
			})
		})
	}
}

// TestCrossEntropy compares with the formula: -sum of target * log softmax, averaged over the rows.
func TestCrossEntropy(t *testing.T) {
	const rows, classes = 5, 7
	logits, other := random(1, rows, classes), random(2, rows, classes)
	for i := range logits.data {
		logits.data[i] *= 20
	}
	labels := []int64{6, 0, 3, 3, 1}
	hard, soft := make([]float64, rows*classes), make([]float64, rows*classes)
	for i, l := range labels {
		hard[i*classes+int(l)] = 1
		lse := logSumExp(other.data[i*classes : (i+1)*classes])
		for j := range classes {
			soft[i*classes+j] = math.Exp(other.data[i*classes+j] - lse)
		}
	}
	for _, c := range []struct {
		name      string
		smoothing float64
		target    []float64
		labels    bool
	}{
		{"labels", 0, hard, true},
		{"labels, smoothed", 0.1, hard, true},
		{"labels, smoothed a lot", 0.9, hard, true},
		{"targets", 0, soft, false},
		{"targets, smoothed", 0.1, soft, false},
		{"targets that are labels, smoothed", 0.1, hard, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := 0.0
			for i, p := range c.target {
				row := logits.data[i/classes*classes : (i/classes+1)*classes]
				want -= (p*(1-c.smoothing) + c.smoothing/classes) * (logits.data[i] - logSumExp(row)) / rows
			}
			autogradtest.Run(t, func(s *autograd.Scope) {
				l := autograd.CrossEntropy{LabelSmoothing: c.smoothing}
				loss := func(x *autograd.Tensor) *autograd.Tensor {
					if c.labels {
						return l.Loss(s, x, autograd.FromSlice(s, labels, rows))
					}
					return l.SoftLoss(s, x, s.To(autograd.FromSlice(s, c.target, rows, classes), x.DType()))
				}
				checkClose(t, "loss", []float64{s.Item(loss(logits.tensor(s)))}, []float64{want}, 1e-13)
				single := loss(s.To(logits.tensor(s), autograd.Float32))
				checkClose(t, "loss in float32", []float64{s.Item(single)}, []float64{want}, 1e-6) // rounding of 35 terms
			})
		})
	}
}

// TestCrossEntropyOfBF16: a loss of bfloat16 logits loses no more than the logits' rounding.
func TestCrossEntropyOfBF16(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		logits, labels := s.To(random(1, 6, 10).tensor(s), autograd.BFloat16), autograd.FromSlice(s, []int64{0, 1, 2, 3, 4, 5}, 6)
		loss := autograd.CrossEntropy{LabelSmoothing: 0.1}.Loss(s, logits, labels)
		if loss.DType() != autograd.Float32 {
			t.Errorf("the loss is %v", loss)
		}
		exact := autograd.CrossEntropy{LabelSmoothing: 0.1}.Loss(s, s.To(logits, autograd.Float64), labels)
		checkClose(t, "loss", []float64{s.Item(loss)}, []float64{s.Item(exact)}, 1e-6) // float32
	})
}

func logSumExp(row []float64) float64 {
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(v - row[0])
	}
	return row[0] + math.Log(sum)
}
