package mobilenet

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// small is a configuration that tests can afford.
func small(t *testing.T, name string) Config {
	c := variant(t, name)
	c.Width, c.Resolution, c.Classes = 0.0625, 32, 7
	return c
}

// randomImages are normalized images of standard normal pixels, channels-last.
func randomImages(s *autograd.Scope, n, side int64) *autograd.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	pixels := make([]float32, n*3*side*side)
	for i := range pixels {
		pixels[i] = float32(r.NormFloat64())
	}
	return s.ChannelsLast(autograd.FromSlice(s, pixels, n, 3, side, side))
}

// An untrained network knows nothing: its loss is that of a uniform guess.
func TestFirstLossIsThatOfGuessing(t *testing.T) {
	for _, name := range Variants() {
		for _, tc := range []struct{ width, classes float64 }{{0.25, 10}, {1, 10}, {1, 1000}} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				c := variant(t, name)
				c.Width, c.Classes, c.Resolution = tc.width, int(tc.classes), 64
				const batch = 8
				labels := make([]int64, batch)
				for i := range labels {
					labels[i] = int64(i * 37 % c.Classes)
				}
				logits := New(s, c, 5).Forward(s, randomImages(s, batch, 64), autograd.Training)
				loss := s.Item(autograd.CrossEntropy{}.Loss(s, logits, autograd.FromSlice(s, labels, batch)))
				if guess := math.Log(tc.classes); math.Abs(loss-guess) > 0.02*guess {
					t.Errorf("%s, width %v, %v classes: first loss %v, want %v within 2 %%", name, tc.width, tc.classes, loss, guess)
				}
			})
		}
	}
}

// He's deviation for each kind of layer, and the seed's part in it.
func TestInitialValues(t *testing.T) {
	for _, tc := range []struct {
		array string
		want  float64 // standard deviation: sqrt(2 / (out * k*k)), the head 0.01
	}{
		{"conv_stem.weight", math.Sqrt(2.0 / (32 * 9))},
		{"blocks.4.1.conv_dw.weight", math.Sqrt(2.0 / (1024 * 9))},
		{"blocks.4.1.conv_pw.weight", math.Sqrt(2.0 / 1024)},
		{"classifier.weight", 0.01},
	} {
		for _, l := range variant(t, "paper").Layers() {
			for _, a := range l.arrays() {
				if a.name != tc.array {
					continue
				}
				values := a.initialValues(3)
				var sum, squares float64
				for _, v := range values {
					sum, squares = sum+float64(v), squares+float64(v)*float64(v)
				}
				n := float64(len(values))
				// 864 values at least: five standard errors of the deviation are 5/sqrt(2*864) = 12 %.
				if got := math.Sqrt(squares / n); math.Abs(got/tc.want-1) > 0.12 || math.Abs(sum/n) > 0.2*tc.want {
					t.Errorf("%s: mean %v, deviation %v, want 0 and %v", tc.array, sum/n, got, tc.want)
				}
				if !slices.Equal(values, a.initialValues(3)) || slices.Equal(values, a.initialValues(4)) {
					t.Errorf("%s: the values are not a function of the seed", tc.array)
				}
			}
		}
	}
}

func TestArraysOfLayers(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		for _, name := range Variants() {
			n := New(s, small(t, name), 1)
			sum := n.Config.Summary()
			var trainable, rest int64
			for _, p := range n.Parameters() {
				trainable += int64(size(p.Tensor.Shape()))
				if p.Role == "" {
					t.Errorf("%s has no role", p.Name)
				}
			}
			for _, b := range n.Buffers() {
				rest += int64(size(b.Tensor.Shape()))
			}
			if trainable != sum.Trainable || rest != sum.NonTrainable {
				t.Errorf("%s: %d and %d values, the summary says %d and %d", name, trainable, rest, sum.Trainable, sum.NonTrainable)
			}
			// timm has 164 entries, 27 of them batch counters; biases of 27 convolutions come with the article.
			want := 164 - 27
			if n.Config.ConvBias {
				want += 27
			}
			if got := len(n.State()); got != want || got != len(n.Parameters())+len(n.Buffers()) {
				t.Errorf("%s: %d arrays, want %d", name, got, want)
			}
		}
	})
}

func TestRoles(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		roles := map[string]Role{}
		for _, p := range New(s, small(t, "article"), 1).Parameters() {
			roles[p.Name] = p.Role
		}
		for name, want := range map[string]Role{
			"conv_stem.weight": RoleConv, "conv_stem.bias": RoleBias, "bn1.weight": RoleNorm, "bn1.bias": RoleNorm,
			"blocks.3.2.conv_dw.weight": RoleDepthwise, "blocks.3.2.conv_dw.bias": RoleBias, "blocks.3.2.bn2.bias": RoleNorm,
			"blocks.3.2.conv_pw.weight": RolePointwise, "classifier.weight": RoleHead, "classifier.bias": RoleBias,
		} {
			if roles[name] != want {
				t.Errorf("%s is %q, want %q", name, roles[name], want)
			}
		}
	})
}

// Sizes other than the configured one work, odd and oblong ones too.
func TestForwardTakesAnySize(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		for _, name := range Variants() {
			n := New(s, small(t, name), 1)
			for _, sides := range [][2]int64{{32, 32}, {33, 48}, {7, 7}, {1, 2}} {
				x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3, sides[0], sides[1])
				logits := n.Forward(s, x, autograd.Evaluation)
				if s.Err() != nil {
					t.Fatal(s.Err())
				}
				if got := logits.Shape(); !slices.Equal(got, []int64{2, 7}) {
					t.Errorf("%s, images %v: logits %v", name, sides, got)
				}
			}
		}
	})
}

func TestForwardSaysWhatIsWrong(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, small(t, "paper"), 1)
		for _, shape := range [][]int64{{2, 4, 32, 32}, {2, 3}} {
			err := s.Sub(func(s *autograd.Scope) error {
				n.Forward(s, s.Zeros(autograd.Float32, autograd.CPU, shape...), autograd.Evaluation)
				return s.Err()
			})
			if err == nil || !strings.Contains(err.Error(), "conv") {
				t.Errorf("images of shape %v: %v", shape, err)
			}
		}
	})
}

func TestNewRefusesAWrongConfig(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		err := s.Sub(func(s *autograd.Scope) error {
			New(s, Config{}, 1).Forward(s, nil, autograd.Training)
			return s.Err()
		})
		if err == nil || !strings.Contains(err.Error(), "mobilenet: width 0") {
			t.Errorf("got %v", err)
		}
	})
}

// Dropout scales what it keeps, so many logits average to those without it, and
// it acts in training only.
func TestDropoutBeforeTheHead(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		autograd.Seed(s, 1)
		c := small(t, "paper")
		c.Dropout = 0.5
		n := New(s, c, 1)
		x := randomImages(s, 4, 32)
		if a, b := host(s, n.Forward(s, x, autograd.Evaluation)), host(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(a, b) {
			t.Error("evaluation is random")
		}
		if a, b := host(s, n.Forward(s, x, autograd.Training)), host(s, n.Forward(s, x, autograd.Training)); slices.Equal(a, b) {
			t.Error("training does not drop")
		}
	})
}

// Training mode moves the running statistics, evaluation does not.
func TestRunningStatistics(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, small(t, "paper"), 1)
		x := randomImages(s, 4, 32)
		for _, b := range n.Buffers() {
			before := host(s, b.Tensor)
			n.Forward(s, x, autograd.Evaluation)
			if !slices.Equal(host(s, b.Tensor), before) {
				t.Errorf("%s changed in evaluation", b.Name)
			}
			n.Forward(s, x, autograd.Training)
			if slices.Equal(host(s, b.Tensor), before) {
				t.Errorf("%s did not change in training", b.Name)
			}
			break // one tells; all are compared with PyTorch in TestAgreesWithPyTorch
		}
	})
}

func TestLoadNamesEveryDifference(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, small(t, "paper"), 1)
		values := map[string][]float32{}
		for _, e := range n.State() {
			values[e.Name] = autograd.ToSlice[float32](s, e.Tensor)
		}
		values["bn1.num_batches_tracked"] = []float32{3}
		if err := n.Load(s, values); err != nil {
			t.Errorf("its own values: %v", err)
		}
		before := host(s, n.State()[0].Tensor)
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
		if !slices.Equal(host(s, n.State()[0].Tensor), before) {
			t.Error("a refused load changed the network")
		}
	})
}

// Moving and converting keeps the values, and the network trains afterwards.
func TestConversionKeepsValues(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, small(t, "article"), 1)
		x := randomImages(s, 2, 32)
		before := host(s, n.Forward(s, x, autograd.Evaluation))
		n.ToDType(s, autograd.Float64)
		n.ToDType(s, autograd.Float32)
		n.To(s, autograd.CPU)
		if after := host(s, n.Forward(s, x, autograd.Evaluation)); !slices.Equal(before, after) {
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

// Under autocast the head computes in float32: the logits are what the pooled
// features give in full precision.
func TestHeadStaysFloat32(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		n := New(s, small(t, "paper"), 1)
		x := randomImages(s, 4, 32)
		full := host(s, n.Forward(s, x, autograd.Training))
		s.Fail(s.Autocast(autograd.BFloat16, func(s *autograd.Scope) error {
			logits := n.Forward(s, x, autograd.Training)
			if s.Err() != nil {
				return s.Err()
			}
			if logits.DType() != autograd.Float32 {
				t.Errorf("logits are %v", logits.DType())
			}
			// bfloat16 has 8 bits; logits of a deep network agree roughly, values rounded to 8 bits would show as such.
			rounded := 0
			for i, v := range host(s, logits) {
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
}

// With every normalization giving 100 whatever its input, the features are what
// the activation makes of 100.
func TestActivationIsTheConfigured(t *testing.T) {
	for _, tc := range []struct {
		activation string
		feature    float64
	}{{ReLU, 100}, {ReLU6, 6}} {
		t.Run(tc.activation, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				c := small(t, "paper")
				c.Activation = tc.activation
				n := New(s, c, 1)
				for _, p := range n.Parameters() {
					value := float32(0)
					switch {
					case p.Role == RoleNorm && strings.HasSuffix(p.Name, ".bias"):
						value = 100
					case p.Role == RoleHead:
						value = 1
					}
					autograd.CopyFromSlice(s, p.Tensor, slices.Repeat([]float32{value}, size(p.Tensor.Shape())))
				}
				for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
					for _, logit := range host(s, n.Forward(s, randomImages(s, 2, 32), mode)) {
						if want := tc.feature * 64; logit != want { // 64 channels
							t.Errorf("logit %v, want %v", logit, want)
						}
					}
				}
			})
		})
	}
}
