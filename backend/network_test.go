package backend

import (
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// An untrained network knows nothing: its loss is near that of the uniform distribution. The 1280 features of
// MobileNet v2's head give logits of 0.2, so that eight labels have losses up to 6 % away.
func TestFirstLossIsUniform(t *testing.T) {
	tolerance := map[string]float64{"mobilenet_v1": 0.02, "mobilenet_v2": 0.1}
	each(t, func(t *testing.T, arch, variant string) {
		for _, tc := range []struct{ width, classes float64 }{{0.25, 10}, {1, 10}, {1, 1000}} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				c := config(t, arch, variant)
				c.Width, c.Classes, c.Resolution = tc.width, int(tc.classes), 64
				c.Dropout = 0 // which adds noise of its own
				const batch = 8
				labels := make([]int64, batch)
				for i := range labels {
					labels[i] = int64(i * 37 % c.Classes)
				}
				logits := New(s, graph(t, c), 5).Forward(s, randomImages(s, batch, 64), autograd.Training)
				loss := s.Item(autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, labels, batch)))
				if uniform := math.Log(tc.classes); math.Abs(loss-uniform) > tolerance[arch]*uniform {
					t.Errorf("width %v, %v classes: first loss %v, want %v within %v", tc.width, tc.classes, loss, uniform, tolerance[arch])
				}
			})
		}
	})
}

func TestArraysOfLayers(t *testing.T) {
	// timm's state dicts of 164 and 314 entries less a batch counter for each of 27 and 52 norms; biases of 27
	// convolutions come with the article.
	entries := map[string]int{"mobilenet_v1": 164 - 27, "mobilenet_v2": 314 - 52}
	each(t, func(t *testing.T, arch, variant string) {
		autogradtest.Run(t, func(s *autograd.Scope) {
			c := small(t, arch, variant)
			n := New(s, graph(t, c), 1)
			sum := n.Graph.Summary()
			var trainable, rest int64
			for _, p := range n.Parameters() {
				trainable += int64(size(p.Tensor))
				if p.Role == "" {
					t.Errorf("%s has no role", p.Name)
				}
			}
			for _, b := range n.Buffers() {
				rest += int64(size(b.Tensor))
			}
			if trainable != sum.Trainable || rest != sum.NonTrainable {
				t.Errorf("%d and %d values, the summary says %d and %d", trainable, rest, sum.Trainable, sum.NonTrainable)
			}
			want := entries[arch]
			if c.ConvBias {
				want += 27
			}
			if got := len(n.State()); got != want || got != len(n.Parameters())+len(n.Buffers()) {
				t.Errorf("%d arrays, want %d", got, want)
			}
			if n.Device() != autograd.CPU || n.DType() != autograd.Float32 || n.String() != n.Graph.String() {
				t.Errorf("%v on %v: %v", n.DType(), n.Device(), n)
			}
		})
	})
}

// Tensors begin with the arrays' initial values.
func TestNetworkBeginsWithInitialValues(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		g := graph(t, small(t, "mobilenet_v2", ""))
		n := New(s, g, 9)
		for i, a := range g.Arrays() {
			if e := n.State()[i]; e.Name != a.Name || !slices.Equal(e.Tensor.Shape(), a.Shape) || !slices.Equal(autograd.ToSlice[float32](s, e.Tensor), a.Initial(9)) {
				t.Errorf("%s does not begin with the values of %s", e.Name, a.Name)
			}
		}
	})
}

// Sizes other than the configured one work, odd and oblong ones too.
func TestForwardTakesAnySize(t *testing.T) {
	each(t, func(t *testing.T, arch, variant string) {
		autogradtest.Run(t, func(s *autograd.Scope) {
			c := small(t, arch, variant)
			n := New(s, graph(t, c), 1)
			sizes := [][2]int64{{32, 32}, {33, 48}, {7, 7}, {1, 2}}
			if arch == "mobilenet_v1" && variant == "keras" {
				sizes = [][2]int64{{32, 32}, {33, 48}} // its padding (0, 1) leaves nothing of smaller ones
			}
			for _, sides := range sizes {
				x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, sides[0], sides[1])
				logits := n.Forward(s, x, autograd.Evaluation)
				if s.Err() != nil {
					t.Fatal(s.Err())
				}
				if got := logits.Shape(); !slices.Equal(got, []int64{2, 7}) {
					t.Errorf("images %v: logits %v", sides, got)
				}
			}
		})
	})
}

func TestForwardSaysWhatIsWrong(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		for _, arch := range []string{"mobilenet_v1", "mobilenet_v2"} {
			n := New(s, graph(t, small(t, arch, "")), 1)
			for _, shape := range [][]int64{{2, 4, 32, 32}, {2, 3}} {
				err := s.Sub(func(s *autograd.Scope) error {
					n.Forward(s, s.Zeros(autograd.Float32, autograd.CPU, shape...), autograd.Evaluation)
					return s.Err()
				})
				if err == nil || !strings.Contains(err.Error(), "conv") {
					t.Errorf("images of shape %v: %v", shape, err)
				}
			}
		}
	})
}

// Dropout scales what it keeps, so many logits average to those without it, and it acts in training only.
func TestDropoutBeforeTheHead(t *testing.T) {
	for _, arch := range []string{"mobilenet_v1", "mobilenet_v2"} {
		t.Run(arch, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				autograd.Seed(s, 1)
				c := small(t, arch, "")
				c.Dropout = 0.5
				n := New(s, graph(t, c), 1)
				x := randomImages(s, 4, 32)
				if a, b := floats(s, n.Forward(s, x, autograd.Evaluation)), floats(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(a, b) {
					t.Error("evaluation is random")
				}
				if a, b := floats(s, n.Forward(s, x, autograd.Training)), floats(s, n.Forward(s, x, autograd.Training)); slices.Equal(a, b) {
					t.Error("training does not drop")
				}
				mean := make([]float64, 4*7)
				const passes = 200
				for range passes {
					for i, v := range floats(s, n.Forward(s, x, autograd.Training)) {
						mean[i] += v / passes
					}
				}
				c.Dropout = 0
				whole := New(s, graph(t, c), 1)
				for i, want := range floats(s, whole.Forward(s, x, autograd.Training)) {
					// A logit of v2 is a sum of 1280 features of order 0.5 times weights of order 0.01, each dropped or doubled:
					// its deviation is about 0.2, that of the mean of 200 passes 0.015. Without scaling it would be half of want.
					if math.Abs(mean[i]-want) > 0.06 {
						t.Errorf("logit %d: mean %v, without dropout %v", i, mean[i], want)
					}
				}
			})
		})
	}
}

// Training mode moves the running statistics, evaluation does not.
func TestRunningStatistics(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, small(t, "mobilenet_v2", "")), 1)
		x := randomImages(s, 4, 32)
		var before [][]float64
		for _, b := range n.Buffers() {
			before = append(before, floats(s, b.Tensor))
		}
		n.Forward(s, x, autograd.Evaluation)
		for i, b := range n.Buffers() {
			if !slices.Equal(floats(s, b.Tensor), before[i]) {
				t.Errorf("%s changed in evaluation", b.Name)
			}
		}
		n.Forward(s, x, autograd.Training)
		for i, b := range n.Buffers() {
			if slices.Equal(floats(s, b.Tensor), before[i]) {
				t.Errorf("%s did not change in training", b.Name)
			}
		}
	})
}

func TestLoadNamesEveryDifference(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, graph(t, small(t, "mobilenet_v1", "paper")), 1)
		values := map[string][]float32{}
		for _, e := range n.State() {
			values[e.Name] = autograd.ToSlice[float32](s, e.Tensor)
		}
		values["bn1.num_batches_tracked"] = []float32{3}
		if err := n.Load(s, values); err != nil {
			t.Errorf("its own values: %v", err)
		}
		before := floats(s, n.State()[0].Tensor)
		values["conv_stem.weight"][0] += 1
		delete(values, "bn1.bias")
		delete(values, "classifier.bias")
		values["head.weight"] = nil
		values["classifier.weight"] = values["classifier.weight"][1:]
		err := n.Load(s, values)
		for _, want := range []string{"missing: bn1.bias, classifier.bias", "unexpected: head.weight",
			"classifier.weight has 447 values, the network's has shape [7 64]", "width 0.0625"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is missing in %v", want, err)
			}
		}
		if !slices.Equal(floats(s, n.State()[0].Tensor), before) {
			t.Error("a refused load changed the network")
		}
	})
}

// Values go to the arrays of their names: a network loaded with another's computes its logits.
func TestLoadByName(t *testing.T) {
	each(t, func(t *testing.T, arch, variant string) {
		autogradtest.Run(t, func(s *autograd.Scope) {
			g := graph(t, small(t, arch, variant))
			source, n := referenceNetwork(t, s, g), New(s, g, 1)
			x := randomImages(s, 2, 32)
			want := floats(s, source.Forward(s, x, autograd.Evaluation))
			if slices.Equal(floats(s, n.Forward(s, x, autograd.Evaluation)), want) {
				t.Error("the networks do not differ")
			}
			values := map[string][]float32{}
			for _, e := range source.State() {
				values[e.Name] = autograd.ToSlice[float32](s, e.Tensor)
			}
			if err := n.Load(s, values); err != nil {
				t.Fatal(err)
			}
			if got := floats(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(got, want) {
				t.Errorf("logits %v, want %v", got, want)
			}
		})
	})
}

// Moving and converting keeps the values, and the network trains afterwards.
func TestConversionKeepsValues(t *testing.T) {
	for _, tc := range []struct{ arch, variant string }{{"mobilenet_v1", "article"}, {"mobilenet_v2", "torchvision"}} {
		autogradtest.Run(t, func(s *autograd.Scope) {
			n := New(s, graph(t, small(t, tc.arch, tc.variant)), 1)
			x := randomImages(s, 2, 32)
			before := floats(s, n.Forward(s, x, autograd.Evaluation))
			n.ToDType(s, autograd.Float64)
			n.ToDType(s, autograd.Float32)
			n.To(s, autograd.CPU)
			if after := floats(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(before, after) {
				t.Errorf("%v became %v", before, after)
			}
			s.Backward(s.Sum(n.Forward(s, x, autograd.Training)))
			for _, p := range n.Parameters() {
				if s.Grad(p.Tensor) == nil {
					t.Errorf("%s has no gradient", p.Name)
				}
			}
		})
	}
}

// Under autocast the head computes in float32: the logits are what the pooled features give in full precision.
func TestHeadStaysFloat32(t *testing.T) {
	// Batch statistics of four images amplify rounding in v2's 52 layers, so that the logits in bfloat16 are others.
	for arch, mode := range map[string]autograd.Mode{"mobilenet_v1": autograd.Training, "mobilenet_v2": autograd.Evaluation} {
		t.Run(arch, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				c := small(t, arch, "")
				c.Dropout = 0
				n := New(s, graph(t, c), 1)
				x := randomImages(s, 4, 32)
				full := floats(s, n.Forward(s, x, mode))
				s.Fail(s.Autocast(autograd.BFloat16, func(s *autograd.Scope) error {
					logits := n.Forward(s, x, mode)
					if s.Err() != nil {
						return s.Err()
					}
					if logits.DType() != autograd.Float32 {
						t.Errorf("logits are %v", logits.DType())
					}
					// bfloat16 has 8 bits; logits of a deep network agree roughly, values rounded to 8 bits would show as such.
					rounded := 0
					for i, v := range floats(s, logits) {
						if math.Abs(v-full[i]) > 0.1 {
							t.Errorf("logit %d is %v, in float32 %v", i, v, full[i])
						}
						if math.Float32bits(float32(v))&0xffff == 0 {
							rounded++
						}
					}
					if rounded > 2 {
						t.Errorf("%d of %d logits have bfloat16's precision", rounded, len(full))
					}
					return nil
				}))
			})
		})
	}
}

// With every normalization giving 100 whatever its input, the features are the activation of 100.
func TestActivationIsTheConfigured(t *testing.T) {
	for _, tc := range []struct {
		activation models.Function
		feature    float64
	}{{models.ReLU, 100}, {models.ReLU6, 6}} {
		t.Run(string(tc.activation), func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				c := small(t, "mobilenet_v1", "paper")
				c.Activation = tc.activation
				n := New(s, graph(t, c), 1)
				for _, p := range n.Parameters() {
					value := float32(0)
					switch {
					case p.Role == models.RoleNorm && strings.HasSuffix(p.Name, ".bias"):
						value = 100
					case p.Role == models.RoleHead:
						value = 1
					}
					autograd.CopyFromSlice(s, p.Tensor, slices.Repeat([]float32{value}, size(p.Tensor)))
				}
				for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
					for _, logit := range floats(s, n.Forward(s, randomImages(s, 2, 32), mode)) {
						if want := tc.feature * 64; logit != want { // 64 channels
							t.Errorf("logit %v, want %v", logit, want)
						}
					}
				}
			})
		})
	}
}
