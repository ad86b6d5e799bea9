package devicetest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/backend"
	"depthwise.dev/models"
	"depthwise.dev/optim"
)

// TestSteps trains some steps in float32 by each backend that computes on the device: the losses are those of libtorch's
// operations on the CPU, and a second time the weights have the same bits.
func TestSteps(t *testing.T) {
	d := device(t)
	for _, arch := range []string{"mobilenet_v1", "mobilenet_v2"} {
		g := withoutDropout(graph(t, arch, "", 0.25, 48))
		want, _ := trained(t, g, backend.Options{Backend: "torch", Device: "cpu", Precision: "fp32"})
		for _, name := range backend.Names() {
			for _, precision := range []string{"fp32", "bf16", "fp16"} {
				if name == "auto" && precision == "fp16" {
					continue // it is torch
				}
				o := backend.Options{Backend: name, Device: d.String(), Precision: precision}
				t.Run(arch+", "+name+", "+precision, func(t *testing.T) {
					if lacks := lacking(t, g, o); lacks != nil {
						t.Skipf("%v", lacks)
					}
					got, weights := trained(t, g, o)
					// Rounding switches activations, which changes gradients, and that grows from step to step: the first three
					// are compared: float32 measured 4e-3, bfloat16 1.1e-2, float16 2.3e-2.
					tolerance := map[string]float64{"fp32": 1e-2, "bf16": 0.05, "fp16": 0.05}[precision]
					for i := range want[:3] {
						if !(math.Abs(got[i]-want[i]) <= tolerance*want[i]) {
							t.Errorf("step %d: loss %v, want %v", i, got[i], want[i])
						}
					}
					if _, again := trained(t, g, o); !slices.EqualFunc(weights, again, slices.Equal[[]float32]) {
						t.Error("the same training gives other weights")
					}
				})
			}
		}
	}
}

// withoutDropout leaves out what is random.
func withoutDropout(g *models.Graph) *models.Graph {
	return suite.NewNetwork(g, autograd.Training, suite.Draw("images", -1, 1, 1, 3, 48, 48), []int64{0}).Graph
}

// lacking is the error of a backend that does not compute the graph on the device.
func lacking(t *testing.T, g *models.Graph, o backend.Options) error {
	return autograd.Run(t.Context(), func(s *autograd.Scope) error {
		_, err := backend.NewMachine(s, g, o)
		return err
	})
}

// trained returns the losses of eight steps of SGD on one batch, and the weights after them.
func trained(t *testing.T, g *models.Graph, o backend.Options) (losses []float64, weights [][]float32) {
	t.Helper()
	return trainedWith(t, g, o, func(*autograd.Scope, backend.Machine, *backend.Network) stepCalls { return stepCalls{} })
}

// stepCalls are called before the forward pass and after the backward pass of each step, and at the end. nil: nothing is.
type stepCalls struct {
	before, after func(s *autograd.Scope, images int)
	end           func() error
}

// call calls f, if there is one.
func call(f func(*autograd.Scope, int), s *autograd.Scope, images int) {
	if f != nil {
		f(s, images)
	}
}

// trainedWith is trained with calls that prepare returns.
func trainedWith(t *testing.T, g *models.Graph, o backend.Options, prepare func(*autograd.Scope, backend.Machine, *backend.Network) stepCalls) (losses []float64, weights [][]float32) {
	t.Helper()
	o.Threads = 1
	const images = 16
	pixels := autograd.Pixels{Values: make([]uint8, images*48*48*3), N: images, Height: 48, Width: 48,
		Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}
	for i := range pixels.Values {
		pixels.Values[i] = uint8(uint32(i/7) * 2654435761 >> 24)
	}
	targets := autograd.Targets{Labels: make([]int64, images), Lambda: 1}
	for i := range targets.Labels {
		targets.Labels[i] = int64(i % 10)
	}
	err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
		m, err := backend.NewMachine(s, g, o)
		if err != nil {
			return err
		}
		network := m.New(s, g, 3)
		var parameters []optim.Parameter
		var list autograd.List
		for _, p := range network.Parameters() {
			parameters = append(parameters, optim.Parameter{Name: p.Name, Tensor: p.Tensor})
			list = append(list, p.Tensor)
		}
		optimizer := optim.NewSGD(s, parameters, optim.SGD{Momentum: 0.9})
		options := optim.StepOptions{LR: 0.01}
		if m.Precision == autograd.FP16 {
			options.Scaler = optim.NewLossScaler(s, m.Place)
			if err := options.Scaler.Load(s, optim.LossScalerState{Scale: 128}); err != nil { // no gradient is infinite
				return err
			}
		}
		calls := prepare(s, m, network)
		for range 8 {
			err := s.Sub(func(s *autograd.Scope) error {
				call(calls.before, s, images)
				loss, _ := m.Loss(s, autograd.CrossEntropy{}, m.Forward(s, network, pixels, autograd.Training), targets)
				losses = append(losses, s.Item(loss))
				if options.Scaler != nil {
					loss = options.Scaler.Scale(s, loss)
				}
				m.Backward(s, loss)
				call(calls.after, s, images)
				if norm := m.Update(s, optimizer.Prepare(options)); norm != nil {
					norm.Discard()
				}
				autograd.ZeroGrads(s, list)
				return s.Err()
			})
			if err != nil {
				return err
			}
		}
		for _, p := range network.State() {
			weights = append(weights, autograd.ToSlice[float32](s, s.Detach(p.Tensor)))
		}
		if calls.end != nil {
			return errors.Join(s.Err(), calls.end())
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return losses, weights
}
