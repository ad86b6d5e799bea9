package devicetest

import (
	"fmt"
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/backend"
	"depthwise.dev/optim"
)

// shapes are those of parameters: a scalar, vectors, and convolution weights in channels-last layout.
var shapes = [][]int64{{1}, {33}, {7, 5, 3, 3}, {40, 300}}

// options are the ways in which a step is prepared.
var options = []struct {
	name string
	optim.StepOptions
	lossScale bool // the loss is scaled, and the gradients of a step are infinite
}{
	{"plain", optim.StepOptions{LR: 0.01}, false},
	{"scaled gradients", optim.StepOptions{LR: 0.01, GradScale: 0.125}, false},
	{"clipped", optim.StepOptions{LR: 0.01, GradScale: 3, MaxGradNorm: 1}, false},
	{"scaled loss", optim.StepOptions{LR: 0.01}, true},
	{"scaled loss, clipped", optim.StepOptions{LR: 0.01, GradScale: 3, MaxGradNorm: 1}, true},
}

// TestOptimizers takes the same steps with every optimizer on the device and on the CPU.
func TestOptimizers(t *testing.T) {
	d := device(t)
	for _, row := range optim.Optimizers {
		for _, h := range []optim.Hyperparameters{{}, {Momentum: 0.9, WeightDecay: 0.01}} {
			for _, o := range options {
				t.Run(fmt.Sprintf("%s, momentum %v, decay %v, %s", row.Name, h.Momentum, h.WeightDecay, o.name), func(t *testing.T) {
					got, want := steps(t, row, h, o.StepOptions, o.lossScale, d), steps(t, row, h, o.StepOptions, o.lossScale, autograd.CPU)
					for i := range want {
						// float32: a rounding is 6e-8 of a value. RMSProp and Adam divide a gradient by its own size: where gradient
						// and weight decay nearly cancel, a rounding is 4e-4 of a step (measured on an H200), in few elements.
						if d := difference(got[i], want[i]); !(d <= 2e-5) {
							t.Errorf("parameter %d of shape %v differs by %.1g", i, shapes[i], d)
						}
					}
				})
			}
		}
	}
}

// infiniteStep is the step whose gradients are infinite where the loss is scaled.
const infiniteStep = 2

// steps returns the parameters after six steps on a device.
func steps(t *testing.T, row optim.OptimizerSpec, h optim.Hyperparameters, o optim.StepOptions, lossScale bool, d autograd.Device) [][]float64 {
	t.Helper()
	var values [][]float64
	err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
		var parameters []optim.Parameter
		for i, shape := range shapes {
			x := drawn(s, fmt.Sprint("parameter ", i), d, shape...)
			parameters = append(parameters, optim.Parameter{Name: fmt.Sprint("p", i), Tensor: s.RequireGrad(x), NoDecay: i == 1})
		}
		optimizer := row.New(s, parameters, h)
		if lossScale {
			o.Scaler = optim.NewLossScaler(s, d)
		}
		for step := range 6 {
			err := s.Sub(func(s *autograd.Scope) error {
				for i, p := range parameters {
					autograd.ZeroGrads(s, autograd.List{p.Tensor})
					loss := s.Sum(s.Mul(p.Tensor, drawn(s, fmt.Sprint("gradient ", step, i), d, shapes[i]...)))
					if lossScale {
						loss = o.Scaler.Scale(s, loss)
					}
					if lossScale && step == infiniteStep && i == 2 {
						loss = s.Scale(loss, math.Inf(1))
					}
					s.Backward(loss)
				}
				result := backend.Torch{}.Update(s, optimizer.Prepare(o))
				if !lossScale || s.Err() != nil {
					return s.Err()
				}
				values, err := result.Values()
				scale := map[bool]float64{false: 65536, true: 32768}[step > infiniteStep]
				if err == nil && ((values[1] == 1) != (step == infiniteStep) || values[2] != scale) {
					t.Errorf("step %d: found %v, scale %v, want %v", step, values[1], values[2], scale)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		for _, p := range parameters {
			values = append(values, autograd.ToSlice[float64](s, s.Detach(p.Tensor)))
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// drawn is a float32 tensor of uniform values that follow from its name.
func drawn(s *autograd.Scope, name string, d autograd.Device, shape ...int64) *autograd.Tensor {
	x := s.ToDevice(s.To(autograd.FromSlice(s, suite.Draw(name, -1, 1, shape...).Data, shape...), autograd.Float32), d)
	if len(shape) == 4 {
		x = s.ChannelsLast(x)
	}
	return x
}

// difference is the Euclidean norm of the difference, relative to that of the values wanted.
func difference(got, want []float64) float64 {
	var sum, scale float64
	for i := range want {
		scale += want[i] * want[i]
		sum += (got[i] - want[i]) * (got[i] - want[i])
	}
	return math.Sqrt(sum / scale)
}
