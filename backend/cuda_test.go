package backend

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// cudaConvs is the number of layers of a graph that the CUDA kernels compute: convolutions with batch norm, and in
// networks of this file's widths always a multiple of 8 channels.
func cudaConvs(g *models.Graph) (n int64) {
	for _, l := range g.Layers {
		if l.Kind == models.KindConv && l.Norm != nil {
			n++
		}
	}
	return n
}

// TestCUDATrains: a training pass agrees with libtorch's in float64, for every variant and odd sizes; the kernels have
// computed each convolution, forward and backward.
func TestCUDATrains(t *testing.T) {
	each(t, func(t *testing.T, arch, variant string) {
		c := config(t, arch, variant)
		c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 32, 7, 0
		g := graph(t, c)
		want := trainingPass(t, Torch{}, g, 47, autograd.Float64)
		before := autograd.FusedConvCount()
		got := trainingPass(t, CUDA{}, g, 47, autograd.Float32)
		if n := autograd.FusedConvCount() - before; n != 2*cudaConvs(g) {
			t.Errorf("the kernels computed %d layers, want %d forward and as many backward", n, cudaConvs(g))
		}
		// Gradients of biases before batch norm are zero but for rounding, and so are means behind one: these are compared
		// with a thousandth of the largest array.
		largest := map[bool]float64{}
		for _, a := range want {
			largest[a.gradient] = max(largest[a.gradient], norm(a.values))
		}
		for i := range want {
			// The batch's statistics amplify rounding through the layers: forward to 1.2e-4, as libtorch's float32. A rounding
			// that switches an activation moves the gradients of the layers before it, by up to 5.6e-2; other statistics or
			// slopes move them by 0.5 or more. autograd's TestFusedConv compares single layers.
			tolerance := 1e-3
			if got[i].gradient {
				tolerance = 0.15
			}
			if d := relative(got[i].values, want[i].values) * min(1, norm(want[i].values)/(1e-3*largest[got[i].gradient])); !(d <= tolerance) {
				t.Errorf("%s: differs by %.1e of its norm", got[i].name, d)
			}
		}
	})
}

// norm is the Euclidean norm.
func norm[T float32 | float64](values []T) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// namedValues are the values of an array of a pass.
type namedValues struct {
	name     string
	values   []float32
	gradient bool
}

// trainingPass returns the logits, gradients and running statistics of one pass with 6 images.
func trainingPass(t *testing.T, b Backend, g *models.Graph, size int, parameters autograd.DType) (list []namedValues) {
	t.Helper()
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, g, 3)
		if parameters != autograd.Float32 {
			n.ToDType(s, parameters)
		}
		y := b.ForwardPixels(s, n, noisePixels(6, size, size), autograd.Training)
		b.Backward(s, s.Sum(s.Square(y)))
		list = append(list, namedValues{"logits", autograd.ToSlice[float32](s, y), false})
		for _, p := range n.Parameters() {
			list = append(list, namedValues{p.Name, autograd.ToSlice[float32](s, s.Grad(p.Tensor)), true})
		}
		for _, a := range n.Buffers() {
			list = append(list, namedValues{a.Name, autograd.ToSlice[float32](s, a.Tensor), false})
		}
	})
	return list
}

// TestCUDALayersInBF16: each layer's output in bfloat16 is near that of libtorch in bfloat16, seen by hooks, which get the
// outputs of fused layers too; and a hook's replacement is what the next layer reads.
func TestCUDALayersInBF16(t *testing.T) {
	for _, arch := range mobilenet.Archs() {
		t.Run(arch, func(t *testing.T) {
			c := config(t, arch, mobilenet.Variants(arch)[0])
			c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 64, 5, 0
			outputs := func(b Backend, given [][]float32) (list [][]float32) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					n := New(s, graph(t, c), 3)
					place := 0
					n.RegisterForwardHook(func(s *autograd.Scope, _ models.Layer, y *autograd.Tensor) *autograd.Tensor {
						list = append(list, autograd.ToSlice[float32](s, y))
						if given == nil {
							return nil
						}
						place++ // every layer computes with the other backend's outputs before it
						return likeImage(s, s.To(autograd.FromSlice(s, given[place-1], y.Shape()...), y.DType()))
					})
					s.Fail(s.Autocast(autograd.BFloat16, func(s *autograd.Scope) error {
						b.ForwardPixels(s, n, noisePixels(8, 64, 64), autograd.Training)
						return s.Err()
					}))
				})
				return list
			}
			want := outputs(Torch{}, nil)
			for i, got := range outputs(CUDA{}, want) {
				// Two roundings of 2^-9 each; libtorch rounds between convolution, batch norm and activation.
				if d := relative(got, want[i]); !(d <= 0.02) {
					t.Errorf("layer %d: differs by %.1e of its norm", i, d)
				}
			}
		})
	}
}

// likeImage puts a batch of images in channels-last order.
func likeImage(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if len(x.Shape()) != 4 {
		return x
	}
	return s.ChannelsLast(x)
}

// TestCUDARepeats: steps of training give the same bits again, with dropout.
func TestCUDARepeats(t *testing.T) {
	for _, arch := range mobilenet.Archs() {
		for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
			t.Run(fmt.Sprintf("%s/%v", arch, compute), func(t *testing.T) {
				run := func() (state [][]float32) {
					autogradtest.Run(t, func(s *autograd.Scope) {
						c := config(t, arch, mobilenet.Variants(arch)[0])
						c.Width, c.Resolution, c.Classes, c.Dropout = 0.25, 32, 5, 0.3
						n := New(s, graph(t, c), 3)
						autograd.Seed(s, 7)
						for range 3 {
							trainStep(s, CUDA{}, n, compute)
						}
						for _, a := range n.State() {
							state = append(state, autograd.ToSlice[float32](s, a.Tensor))
						}
					})
					return state
				}
				first := run()
				for i, again := range run() {
					if !slices.Equal(again, first[i]) {
						t.Fatalf("array %d differs", i)
					}
				}
			})
		}
	}
}

// trainStep is a step of SGD on random images.
func trainStep(s *autograd.Scope, b Backend, n *Network, compute autograd.DType) {
	s.Fail(s.Sub(func(s *autograd.Scope) error {
		s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
			y := b.ForwardPixels(s, n, noisePixels(4, 32, 32), autograd.Training)
			b.Backward(s, s.Sum(s.Square(y)))
			return s.Err()
		}))
		descend(s, n)
		return s.Err()
	}))
}

// TestCUDAInference: folded weights give the logits and features of libtorch's operations, of every variant, at odd sizes,
// after steps of training and with other tensors.
func TestCUDAInference(t *testing.T) {
	each(t, func(t *testing.T, arch, variant string) {
		c := config(t, arch, variant)
		c.Width, c.Resolution, c.Classes = 0.25, 32, 7
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, graph(t, c), 1)
			inference := CUDA{}.Inference(s, n, autograd.Float32)
			reference := Torch{}.Inference(s, n, autograd.Float32)
			check := func(what string) {
				t.Helper()
				p := noisePixels(3, 47, 47)
				before := autograd.FusedConvCount()
				got := autograd.ToSlice[float32](s, inference.ForwardPixels(s, p))
				if layers := autograd.FusedConvCount() - before; layers != cudaConvs(n.Graph) && !n.Hooked() {
					t.Errorf("%s: the kernels computed %d layers, want %d", what, layers, cudaConvs(n.Graph))
				}
				near := func(what string, got, want []float32) {
					t.Helper()
					// After a step on four images the layers of a v2 amplify rounding: libtorch's float32 differs from its float64
					// by up to 1.4e-3, the kernels' by 9.4e-4, the two from each other by up to 7.4e-3. Stale weights differ by 1.
					if d := relative(got, want); !(d <= 3e-2) {
						t.Errorf("%s: differs by %.1e of its norm", what, d)
					}
				}
				near(what+": logits", got, autograd.ToSlice[float32](s, reference.ForwardPixels(s, p)))
				near(what+": features", autograd.ToSlice[float32](s, inference.FeaturesPixels(s, p)), autograd.ToSlice[float32](s, reference.FeaturesPixels(s, p)))
			}
			check("at first")
			trainStep(s, CUDA{}, n, autograd.Float32)
			check("after a step")
			Torch{}.ForwardPixels(s, n, noisePixels(4, 32, 32), autograd.Training) // Torch, whose batch norm does not bump the statistics' versions
			check("after libtorch's batch norm")
			n.ToDType(s, autograd.Float32)
			scaleAll(s, n, 0.9)
			check("with other tensors")
			n.RegisterForwardHook(func(*autograd.Scope, models.Layer, *autograd.Tensor) *autograd.Tensor { return nil })
			check("with a hook")
		})
	})
}

// TestCUDAInferenceInBF16: near libtorch's float32; the ratio bounds what folding and bfloat16 may lose.
func TestCUDAInferenceInBF16(t *testing.T) {
	for _, arch := range mobilenet.Archs() {
		t.Run(arch, func(t *testing.T) {
			c := config(t, arch, mobilenet.Variants(arch)[0])
			c.Width, c.Resolution, c.Classes = 0.5, 64, 7
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := New(s, graph(t, c), 1)
				p := noisePixels(4, 64, 64)
				logits := func(b Backend, compute autograd.DType) []float32 {
					return autograd.ToSlice[float32](s, b.Inference(s, n, compute).ForwardPixels(s, p))
				}
				want := logits(Torch{}, autograd.Float32)
				got, unfused := relative(logits(CUDA{}, autograd.BFloat16), want), relative(logits(Torch{}, autograd.BFloat16), want)
				if !(got <= 1.5*unfused) {
					t.Errorf("differs by %.1e of the norm, libtorch's bfloat16 by %.1e", got, unfused)
				}
			})
		})
	}
}
