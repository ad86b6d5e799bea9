package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/autograd/native"
)

// TestCUDAKernelsCompile: NVRTC compiles every kernel for Hopper and for a GPU that is newer than NVRTC, without a GPU.
func TestCUDAKernelsCompile(t *testing.T) {
	for _, capability := range []int{80, 90, 999} {
		bytes, found, err := native.CompileCUDA(capability)
		if !found {
			t.Skip("there is no NVRTC here: libtorch has no CUDA")
		}
		if err != nil || bytes < 10000 {
			t.Errorf("capability %d: %d bytes, %v", capability, bytes, err)
		}
	}
}

// TestCheckFusedConv: the kernels run, emulated, on the CPU, and there is no GPU 99.
func TestCheckFusedConv(t *testing.T) {
	if err := autograd.CheckFusedConv(autograd.CPU); err != nil {
		t.Error(err)
	}
	if err := autograd.CheckFusedConv(autograd.CUDA(99)); err == nil {
		t.Error("no error for a GPU that is not there")
	}
}

// fusedConvSetup is a layer with its inputs.
type fusedConvSetup struct {
	conv           autograd.FusedConv
	x, w           []int64
	residual, bias bool
}

// tensors are x, w, bn's weight and bias, the residual or nil, and the bias or nil, all leaves; and bn.
func (l fusedConvSetup) tensors(s scope, dtype autograd.DType) (leaves []tensor, bn autograd.BatchNorm) {
	channels := l.w[0]
	make := func(seed uint32, shape ...int64) tensor { return s.To(fill(s, seed, shape...), dtype) }
	bn = autograd.BatchNorm{Weight: s.RequireGrad(s.AddScalar(make(3, channels), 1.5)), Bias: s.RequireGrad(make(4, channels)),
		Mean: make(5, channels), Var: s.AddScalar(make(6, channels), 2), Momentum: 0.1, Eps: 1e-3}
	leaves = []tensor{s.RequireGrad(s.ChannelsLast(make(1, l.x...))), s.RequireGrad(s.ChannelsLast(make(2, l.w...))), bn.Weight, bn.Bias, nil, nil}
	if l.bias {
		leaves[5] = s.RequireGrad(make(8, channels))
	}
	if l.residual {
		leaves[4] = s.RequireGrad(s.Scale(s.Detach(l.output(s, leaves, bn)), 0.5))
	}
	return leaves, bn
}

// output is the layer's output in evaluation, by libtorch.
func (l fusedConvSetup) output(s scope, leaves []tensor, bn autograd.BatchNorm) tensor {
	p := l.conv.Padding
	y := s.Conv2d(s.Pad2d(leaves[0], p.Left, p.Right, p.Top, p.Bottom), leaves[1], leaves[5], autograd.Conv{Stride: l.conv.Stride, Groups: l.conv.Groups})
	y = bn.Forward(s, y, autograd.Evaluation)
	switch l.conv.Activation {
	case autograd.ReLUActivation:
		y = s.ReLU(y)
	case autograd.ReLU6Activation:
		y = s.ReLU6(y)
	}
	return y
}

// pass returns the output, all gradients, and the running statistics after a forward and a backward pass.
func (l fusedConvSetup) pass(s scope, dtype, compute autograd.DType) (values [][]float64) {
	s.Fail(s.Autocast(compute, func(s scope) error {
		leaves, bn := l.tensors(s, dtype)
		y := l.conv.Forward(s, leaves[0], leaves[1], leaves[5], bn, leaves[4])
		s.Backward(s.Sum(s.Mul(y, s.To(fill(s, 7, y.Shape()...), y.DType()))))
		values = append(values, autograd.ToSlice[float64](s, y))
		for _, leaf := range leaves[:5] {
			if leaf != nil {
				values = append(values, autograd.ToSlice[float64](s, s.Grad(leaf)))
			}
		}
		values = append(values, autograd.ToSlice[float64](s, bn.Mean), autograd.ToSlice[float64](s, bn.Var))
		if l.bias { // its gradient is zero but for rounding
			values = append(values, autograd.ToSlice[float64](s, s.AddScalar(s.Grad(leaves[5]), 1)))
		}
		return s.Err()
	}))
	return values
}

// fusedConvSetups are layers of each kind at sizes around those of the kernels' tiles.
func fusedConvSetups() map[string]fusedConvSetup {
	all := map[string]fusedConvSetup{
		"stem":                  {conv: autograd.FusedConv{Stride: 2, Padding: autograd.Sides{Right: 1, Bottom: 1}, Activation: autograd.ReLU6Activation}, x: []int64{3, 3, 14, 12}, w: []int64{16, 3, 3, 3}},
		"pointwise":             {conv: autograd.FusedConv{Activation: autograd.ReLUActivation}, x: []int64{4, 24, 7, 5}, w: []int64{40, 24, 1, 1}},
		"projection":            {conv: autograd.FusedConv{}, x: []int64{4, 20, 6, 7}, w: []int64{24, 20, 1, 1}, residual: true, bias: true},
		"pointwise with stride": {conv: autograd.FusedConv{Stride: 2, Activation: autograd.ReLUActivation}, x: []int64{4, 24, 7, 6}, w: []int64{8, 24, 1, 1}},
	}
	for _, kernel := range []int64{3, 5} {
		for _, stride := range []int64{1, 2} {
			for _, same := range []bool{false, true} { // TensorFlow's padding
				before := kernel / 2
				if same && stride == 2 {
					before--
				}
				c := autograd.FusedConv{Stride: stride, Groups: 24, Activation: autograd.ReLU6Activation,
					Padding: autograd.Sides{Left: before, Top: before, Right: kernel / 2, Bottom: kernel / 2}}
				all[fmt.Sprintf("depthwise %d, stride %d, same %v", kernel, stride, same)] = fusedConvSetup{conv: c, x: []int64{3, 24, 11, 10}, w: []int64{24, 1, kernel, kernel}, residual: same, bias: same}
			}
		}
	}
	return all
}

// TestFusedConv compares with libtorch's operations in float64, and a second pass with the first, which must have the same
// bits.
func TestFusedConv(t *testing.T) {
	for name, layer := range fusedConvSetups() {
		for _, tc := range []struct {
			compute   autograd.DType
			tolerance float64 // of the Euclidean norm
		}{
			{f32, 1e-5}, // sums of some hundred products with roundings of 6e-8, amplified by 1/std; measured 6e-7
			// Roundings of 2^-9 of input, weight, output and gradient; and few activations that these switch on or off, each
			// a whole element of the gradient; measured 2.5e-2.
			{autograd.BFloat16, 0.08},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, tc.compute), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					want := layer.pass(s, f64, f32)
					before := autograd.FusedConvCount()
					got, again := layer.pass(s, f32, tc.compute), layer.pass(s, f32, tc.compute)
					if n := autograd.FusedConvCount() - before; n != 4 {
						t.Errorf("the kernels computed %d layers, want 2 forward and 2 backward", n)
					}
					for i := range want {
						if d := normDistance(got[i], want[i]); !(d <= tc.tolerance) {
							t.Errorf("value %d differs by %.1e of its norm", i, d)
						}
						if !slices.Equal(got[i], again[i]) {
							t.Errorf("value %d differs from run to run", i)
						}
					}
				})
			})
		}
	}
}

// normDistance is |a - b| / |b|, of Euclidean norms; infinite if the sizes differ.
func normDistance(a, b []float64) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var d, n float64
	for i := range b {
		d += (a[i] - b[i]) * (a[i] - b[i])
		n += b[i] * b[i]
	}
	return math.Sqrt(d) / (math.Sqrt(n) + 1e-30)
}

// TestFusedConvFallsBack: libtorch's operations compute what the kernels do not.
func TestFusedConvFallsBack(t *testing.T) {
	for name, layer := range map[string]fusedConvSetup{
		"10 channels": {x: []int64{2, 3, 4, 4}, w: []int64{10, 3, 1, 1}},
		"depthwise, 12 channels": {conv: autograd.FusedConv{Groups: 12, Padding: autograd.Sides{Left: 1, Right: 1, Top: 1, Bottom: 1},
			Activation: autograd.ReLU6Activation}, x: []int64{2, 12, 4, 4}, w: []int64{12, 1, 3, 3}, residual: true, bias: true},
	} {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				before := autograd.FusedConvCount()
				got, want := layer.pass(s, f32, f32), layer.pass(s, f64, f32)
				if n := autograd.FusedConvCount() - before; n != 0 || layer.conv.Supports(layer.x, layer.w) {
					t.Errorf("the kernels computed %d layers", n)
				}
				for i := range want {
					if d := normDistance(got[i], want[i]); !(d <= 1e-5) {
						t.Errorf("value %d differs by %.1e of its norm", i, d)
					}
				}
			})
		})
	}
}

// TestFusedConvCheckpoint: a recomputed layer gives the same gradients and does not update the running statistics again.
func TestFusedConvCheckpoint(t *testing.T) {
	layer := fusedConvSetups()["depthwise 3, stride 1, same false"]
	autogradtest.Run(t, func(s *autograd.Scope) {
		run := func(checkpoint bool) (values [][]float32) {
			leaves, bn := layer.tensors(s, f32)
			f := func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
				return layer.conv.Forward(s, in[0], leaves[1], nil, bn, nil)
			}
			var y tensor
			if checkpoint {
				y = s.Checkpoint(f, leaves[0])
			} else {
				y = f(s, leaves[:1])
			}
			s.Backward(s.Sum(s.Square(y)))
			for _, v := range []tensor{y, s.Grad(leaves[0]), s.Grad(leaves[1]), bn.Mean, bn.Var} {
				values = append(values, autograd.ToSlice[float32](s, v))
			}
			return values
		}
		want := run(false)
		for i, got := range run(true) {
			if !slices.Equal(got, want[i]) {
				t.Errorf("value %d differs with a checkpoint", i)
			}
		}
	})
}

// TestFusedConvErrors: each says what is wrong and what to do.
func TestFusedConvErrors(t *testing.T) {
	layer := fusedConvSetup{x: []int64{2, 8, 2, 2}, w: []int64{8, 8, 1, 1}}
	for _, tc := range []struct {
		name, want string
		use        func(s scope, leaves []tensor, bn autograd.BatchNorm)
	}{
		{"one value per channel", "single value per channel", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			layer.conv.Forward(s, fill(s, 1, 1, 8, 1, 1), leaves[1], nil, bn, nil)
		}},
		{"residual of another shape", "the residual must have the output's shape", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			layer.conv.Forward(s, leaves[0], leaves[1], nil, bn, fill(s, 1, 2, 8, 1, 2))
		}},
		{"norm of another size", "with 8 channels", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			bn.Mean = fill(s, 1, 9)
			layer.conv.Forward(s, leaves[0], leaves[1], nil, bn, nil)
		}},
		{"second derivatives", "--backend torch has them", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			y := s.Sum(layer.conv.Forward(s, leaves[0], leaves[1], nil, bn, nil))
			autograd.Grad(s, []tensor{y}, leaves[:1], autograd.GradOptions{CreateGraph: true})
		}},
		{"a changed weight", "modified by an inplace operation", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			y := s.Sum(layer.conv.Forward(s, leaves[0], leaves[1], nil, bn, nil))
			s.Fail(s.NoGrad(func(s scope) error { autograd.List{leaves[1]}.Scale(s, 2); return s.Err() }))
			s.Backward(y)
		}},
		{"backward twice", "second time", func(s scope, leaves []tensor, bn autograd.BatchNorm) {
			y := s.Sum(layer.conv.Forward(s, leaves[0], leaves[1], nil, bn, nil))
			s.Backward(y)
			s.Backward(y)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				err := s.Sub(func(s *autograd.Scope) error {
					leaves, bn := layer.tensors(s, f32)
					tc.use(s, leaves, bn)
					return s.Err()
				})
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want %q", err, tc.want)
				}
			})
		})
	}
}

// TestFusedNormalizePixels: the bits of NormalizeImages, in bfloat16 rounded from there.
func TestFusedNormalizePixels(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		const n, h, w = 2, 13, 7
		pixels := make([]uint8, n*h*w*3)
		for i := range pixels {
			pixels[i] = uint8(i * 37)
		}
		mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
		want := s.NormalizeImages(pixels, n, h, w, mean, std, autograd.CPU)
		given := autograd.FromSlice(s, pixels, n, h, w, 3)
		if got := s.FusedNormalizePixels(given, mean, std); !slices.Equal(autograd.ToSlice[float32](s, got), autograd.ToSlice[float32](s, want)) {
			t.Error("float32: other values than NormalizeImages")
		}
		s.Fail(s.Autocast(autograd.BFloat16, func(s *autograd.Scope) error {
			got := s.FusedNormalizePixels(given, mean, std)
			if got.DType() != autograd.BFloat16 || !slices.Equal(autograd.ToSlice[float32](s, got), autograd.ToSlice[float32](s, s.To(want, autograd.BFloat16))) {
				t.Errorf("%v: other values than NormalizeImages rounded", got)
			}
			return s.Err()
		}))
	})
}
