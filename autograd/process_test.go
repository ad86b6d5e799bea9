package autograd_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// mask returns dropout applied to 1,000 ones.
func mask(s *autograd.Scope, p float64) []float32 {
	return autograd.ToSlice[float32](s, s.Dropout(s.AddScalar(s.Zeros(autograd.Float32, autograd.CPU, 1000), 1), p))
}

func TestSeedAndState(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		autograd.Seed(s, 7)
		first := mask(s, 0.5)
		state := autograd.GeneratorState(s, autograd.CPU)
		second, third := mask(s, 0.5), mask(s, 0.5)
		if slices.Equal(first, second) || slices.Equal(second, third) {
			t.Error("the generator repeats itself")
		}
		autograd.SetGeneratorState(s, autograd.CPU, state)
		if !slices.Equal(mask(s, 0.5), second) || !slices.Equal(mask(s, 0.5), third) {
			t.Error("the state does not continue the masks")
		}
		autograd.Seed(s, 7)
		if !slices.Equal(mask(s, 0.5), first) {
			t.Error("the same seed gives another mask")
		}
		autograd.Seed(s, 8)
		if slices.Equal(mask(s, 0.5), first) {
			t.Error("another seed gives the same mask")
		}
	})
	for name, state := range map[string][]byte{"none": nil, "short": make([]byte, 16), "wrong": make([]byte, 5056)} {
		err := failing(t, func(s *autograd.Scope) error { autograd.SetGeneratorState(s, autograd.CPU, state); return nil })
		if !strings.Contains(err.Error(), "set generator state") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestDropout(t *testing.T) {
	for _, p := range []float64{0.1, 0.5, 0.9} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			autograd.Seed(s, 1)
			dropped := 0
			for _, v := range mask(s, p) {
				switch {
				case v == 0:
					dropped++
				case math.Abs(float64(v)-1/(1-p)) > 1e-6:
					t.Errorf("p %v: an element that was kept became %v, want %v", p, v, 1/(1-p))
				}
			}
			if sd := math.Sqrt(1000 * p * (1 - p)); math.Abs(float64(dropped)-1000*p) > 4*sd { // the seed is fixed
				t.Errorf("p %v: %d of 1000 dropped", p, dropped)
			}
		})
	}
	for _, p := range []float64{-0.1, 1, 2} {
		err := failing(t, func(s *autograd.Scope) error { mask(s, p); return nil })
		if !strings.Contains(err.Error(), "probability") {
			t.Errorf("p %v: error %v", p, err)
		}
	}
}

func TestThreads(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		before := autograd.Threads()
		defer autograd.SetThreads(s, before)
		for _, n := range []int{1, 3, 2} {
			autograd.SetThreads(s, n)
			if got := autograd.Threads(); got != n {
				t.Errorf("%d threads, want %d", got, n)
			}
		}
	})
	for _, n := range []int{0, -2} {
		err := failing(t, func(s *autograd.Scope) error { autograd.SetThreads(s, n); return nil })
		if !strings.Contains(err.Error(), "at least one") {
			t.Errorf("%d threads: error %v", n, err)
		}
	}
}

func TestThisProcessor(t *testing.T) {
	p := autograd.ThisProcessor()
	if !strings.HasPrefix(p.Libtorch, "2.") || p.Capability == "" {
		t.Errorf("%+v", p)
	}
}

func TestParseDevice(t *testing.T) {
	for _, c := range []struct {
		name string
		want autograd.Device
		err  string
	}{
		{"cpu", autograd.CPU, ""},
		{"cuda:999", autograd.CPU, "device cuda:999: "},
		{"cuda:x", autograd.CPU, `unknown device "cuda:x"; use auto, cpu, cuda or cuda:N`},
		{"cuda:-1", autograd.CPU, "unknown device"},
		{"cuda:", autograd.CPU, "unknown device"},
		{"cuda:+1", autograd.CPU, "unknown device"},
		{"cuda:01", autograd.CPU, "unknown device"},
		{"cuda:1 ", autograd.CPU, "unknown device"},
		{"cuda:99999999999999999999", autograd.CPU, "unknown device"},
		{"cuda1", autograd.CPU, "unknown device"},
		{"gpu", autograd.CPU, "unknown device"},
		{"CPU", autograd.CPU, "unknown device"},
	} {
		got, err := autograd.ParseDevice(c.name)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("ParseDevice(%q) = %v, %v; want %v, %q", c.name, got, err, c.want, c.err)
		}
	}
	auto, err := autograd.ParseDevice("auto")
	if err != nil {
		t.Fatal(err)
	}
	cuda, err := autograd.ParseDevice("cuda")
	if hasGPU := err == nil; hasGPU != (auto == autograd.CUDA(0)) || hasGPU && cuda != auto {
		t.Errorf("auto is %v, cuda is %v (%v)", auto, cuda, err)
	}
	if a, b := autograd.CPU.String(), autograd.CUDA(3).String(); a != "cpu" || b != "cuda:3" {
		t.Errorf("devices print as %s and %s", a, b)
	}
}

func TestPrecision(t *testing.T) {
	onCPU := autograd.FP32
	if autograd.ThisProcessor().BF16 {
		onCPU = autograd.BF16
	}
	for _, c := range []struct {
		p       autograd.Precision
		device  autograd.Device
		want    autograd.Precision
		compute autograd.DType
	}{
		{"fp32", autograd.CPU, autograd.FP32, autograd.Float32},
		{"bf16", autograd.CPU, autograd.BF16, autograd.BFloat16},
		{"fp16", autograd.CPU, autograd.FP16, autograd.Float16},
		{"fp16", autograd.CUDA(0), autograd.FP16, autograd.Float16},
		{"fp32", autograd.CUDA(0), autograd.FP32, autograd.Float32},
		{"auto", autograd.CUDA(0), autograd.BF16, autograd.BFloat16},
		{"auto", autograd.CPU, onCPU, onCPU.Compute()},
		{"", autograd.CPU, onCPU, onCPU.Compute()},
	} {
		got, err := c.p.Resolve(c.device)
		if err != nil || got != c.want || got.Compute() != c.compute {
			t.Errorf("%q on %v is %q in %v, %v; want %q in %v", c.p, c.device, got, got.Compute(), err, c.want, c.compute)
		}
	}
	if _, err := autograd.Precision("fp8").Resolve(autograd.CPU); err == nil || !strings.Contains(err.Error(), "use auto, fp32, bf16 or fp16") {
		t.Errorf("fp8: %v", err)
	}
}

// TestAutocast: Conv2d and Linear compute in 16 bits within it; parameters, their gradients and
// other operations do not.
func TestAutocast(t *testing.T) {
	// 27 products with 8 or 11 bits each.
	for compute, tolerance := range map[autograd.DType]float64{autograd.BFloat16: 0.03, autograd.Float16: 0.004} {
		t.Run(compute.String(), func(t *testing.T) { checkAutocast(t, compute, tolerance) })
	}
}

func checkAutocast(t *testing.T, compute autograd.DType, tolerance float64) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		single := func(a array) *autograd.Tensor { return s.To(a.tensor(s), autograd.Float32) }
		x, w, b := single(random(1, 2, 3, 4, 4)), s.RequireGrad(single(random(2, 5, 3, 3, 3))), s.RequireGrad(single(random(3, 5)))
		head := s.RequireGrad(single(random(4, 2, 5)))
		exact := autograd.ToSlice[float64](s, s.Conv2d(x, w, b, autograd.Conv{}))
		err := s.Autocast(compute, func(s *autograd.Scope) error {
			y := s.Conv2d(x, w, b, autograd.Conv{})
			logits := s.Linear(s.GlobalAvgPool(y), head, nil)
			for name, out := range map[string]*autograd.Tensor{"conv2d": y, "linear": logits} {
				if out.DType() != compute {
					t.Errorf("%s gives %v", name, out)
				}
			}
			checkClose(t, "conv2d", autograd.ToSlice[float64](s, y), exact, tolerance)
			if z := s.Scale(x, 2); z.DType() != autograd.Float32 {
				t.Errorf("scale gives %v", z)
			}
			if z := s.Conv2d(s.To(x, autograd.Float64), s.To(w, autograd.Float64), nil, autograd.Conv{}); z.DType() != autograd.Float64 {
				t.Errorf("conv2d of float64 gives %v", z)
			}
			s.Backward(autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, []int64{0, 1}, 2)))
			return s.Autocast(autograd.Float32, func(s *autograd.Scope) error {
				if z := s.Conv2d(x, w, b, autograd.Conv{}); z.DType() != autograd.Float32 {
					t.Errorf("conv2d after autocast is switched off gives %v", z)
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
		for _, p := range []*autograd.Tensor{w, b, head} {
			if g := s.Grad(p); g.DType() != autograd.Float32 || p.DType() != autograd.Float32 {
				t.Errorf("parameter %v has the gradient %v", p, g)
			}
		}
		if y := s.Conv2d(x, w, b, autograd.Conv{}); y.DType() != autograd.Float32 {
			t.Errorf("conv2d outside gives %v", y)
		}
	})
}
