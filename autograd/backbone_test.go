package autograd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// backboneCase is a backbone and its input.
type backboneCase struct {
	name                  string
	images, height, width int
	backbone              autograd.Backbone
	mode                  autograd.Mode
	constantImages        bool // the images need no gradient
	seed                  uint64
	alter                 func(array int, values []float64) // modifies the arrays that tensors creates, in their order
}

// backboneBuilder builds the layers of a backbone one after another for an image size.
type backboneBuilder struct {
	c       *backboneCase
	h, w    int
	channel int
	same    bool // TensorFlow's "same" padding, else one pixel on every side
	bias    bool
}

func (b *backboneBuilder) add(kind int, out, stride int) {
	l := autograd.BackboneLayer{Kind: autograd.PointwiseLayer, In: b.channel, Out: out, Stride: stride, Bias: b.bias,
		Height: b.h, Width: b.w, OutHeight: b.h, OutWidth: b.w}
	if kind != 1 {
		l.Kind = autograd.DepthwiseLayer
		if kind == 3 {
			l.Kind = autograd.StemLayer
		}
		l.Top, l.OutHeight = b.window(b.h, stride)
		l.Left, l.OutWidth = b.window(b.w, stride)
	}
	b.c.backbone.Layers = append(b.c.backbone.Layers, l)
	b.h, b.w, b.channel = l.OutHeight, l.OutWidth, out
}

func (b *backboneBuilder) window(size, stride int) (before, out int) {
	if !b.same {
		return 1, (size-1)/stride + 1
	}
	out = (size + stride - 1) / stride
	return max(0, (out-1)*stride+3-size) / 2, out
}

// backboneCases has a named case for each option, and random ones.
func backboneCases() []backboneCase {
	inf := math.Inf(1)
	var cases []backboneCase
	add := func(name string, n, h, w int, cap float64, mode autograd.Mode, same, bias bool, rows ...[3]int) {
		c := backboneCase{name: name, images: n, height: h, width: w, mode: mode, backbone: autograd.Backbone{Cap: cap, Eps: 1e-3, Momentum: 0.1}}
		b := &backboneBuilder{c: &c, h: h, w: w, channel: 3, same: same, bias: bias}
		for _, r := range rows {
			b.add(r[0], r[1], r[2])
		}
		cases = append(cases, c)
	}
	stem, blocks := [3]int{3, 16, 2}, [][3]int{{2, 16, 1}, {1, 32, 1}, {2, 32, 2}, {1, 64, 1}}
	whole := append([][3]int{stem}, blocks...)
	train, eval := autograd.Training, autograd.Evaluation
	add("stem", 3, 18, 18, inf, train, false, false, stem)
	add("stem of stride 1", 2, 9, 7, inf, train, false, false, [3]int{3, 16, 1})
	add("depthwise", 3, 18, 18, inf, train, false, false, stem, blocks[0])
	add("pointwise", 3, 18, 18, inf, train, false, false, whole[:3]...)
	add("depthwise, stride 2", 3, 18, 18, inf, train, false, false, whole[:4]...)
	add("two blocks", 4, 16, 16, inf, train, false, false, whole...)
	add("relu6", 4, 16, 16, 6, train, false, false, whole...)
	add("relu capped low", 4, 16, 16, 0.5, train, false, false, whole...)
	add("same padding", 4, 16, 16, inf, train, true, false, whole...)
	add("same padding, odd sizes", 4, 17, 15, inf, train, true, false, whole...)
	add("symmetric padding, odd sizes", 4, 15, 17, inf, train, false, false, whole...)
	add("biases", 4, 16, 16, inf, train, true, true, whole...)
	add("running statistics", 2, 16, 16, inf, eval, false, false, whole...)
	add("running statistics, biases, relu6", 2, 16, 12, 6, eval, true, true, whole...)
	add("one image", 1, 24, 24, inf, train, false, false, whole...)
	add("one image of odd size, biases, relu6", 1, 13, 9, 6, train, true, true, whole...)
	add("seven images", 7, 16, 16, inf, train, false, false, whole...)
	add("channels of width 0.25", 4, 16, 16, inf, train, false, false, [3]int{3, 8, 2}, [3]int{2, 8, 1}, [3]int{1, 24, 1}, [3]int{2, 24, 2}, [3]int{1, 40, 1})
	add("channels that are no multiple of 8", 4, 16, 16, inf, train, false, false, [3]int{3, 9, 2}, [3]int{2, 9, 1}, [3]int{1, 19, 1})
	add("many channels", 2, 8, 8, inf, train, false, false, [3]int{3, 64, 1}, [3]int{1, 256, 1}, [3]int{2, 256, 2}, [3]int{1, 512, 1})
	frozen := func(name string, layers int, constantImages bool, of backboneCase) {
		of.name, of.backbone.Frozen, of.constantImages = name, layers, constantImages
		cases = append(cases, of)
	}
	for n := 1; n < len(whole); n++ {
		frozen(fmt.Sprintf("%d frozen layers", n), n, true, cases[5])
	}
	frozen("three frozen layers, gradient of the images", 3, false, cases[5])
	frozen("two frozen layers, biases", 2, true, cases[10])
	frozen("images without gradients", 0, true, cases[5])
	rng := rand.New(rand.NewPCG(11, 0))
	for i := range 8 {
		rows := [][3]int{{3, 8 + rng.IntN(24), 1 + rng.IntN(2)}}
		for range 1 + rng.IntN(3) {
			rows = append(rows, [3]int{2, rows[len(rows)-1][1], 1 + rng.IntN(2)}, [3]int{1, 1 + rng.IntN(70), 1})
		}
		add(fmt.Sprintf("random %d", i), 2+rng.IntN(5), 12+rng.IntN(20), 12+rng.IntN(20), []float64{inf, 6}[rng.IntN(2)],
			[]autograd.Mode{train, train, eval}[rng.IntN(3)], rng.IntN(2) == 0, rng.IntN(2) == 0, rows...)
	}
	return cases
}

// extremeBackbones are backbones with extreme values, which occur in real training. They are not
// compared in bfloat16, where they only amplify rounding.
func extremeBackbones() []backboneCase {
	const images, stem, depthwise, pointwise = 0, 1, 6, 11 // the arrays that are modified: images and weights; weights+3 is a running mean
	cases := backboneCases()
	find := func(name string) backboneCase {
		return cases[slices.IndexFunc(cases, func(c backboneCase) bool { return c.name == name })]
	}
	var extreme []backboneCase
	add := func(name string, of backboneCase, alter func(array int, values []float64)) {
		of.name, of.alter = name, alter
		extreme = append(extreme, of)
	}
	// One filter in four is zero, so its output has no variance.
	silent := func(arrays ...int) func(int, []float64) {
		return func(array int, values []float64) {
			if slices.Contains(arrays, array) {
				clear(values[:len(values)/4])
			}
		}
	}
	scaled := func(by float64, arrays ...int) func(int, []float64) {
		return func(array int, values []float64) {
			for i := range values {
				if slices.Contains(arrays, array) {
					values[i] = float64(float32(values[i] * by))
				}
			}
		}
	}
	three := find("pointwise")
	add("stem channels without variance", three, silent(stem))
	add("depthwise channels without variance", three, silent(depthwise))
	add("pointwise channels without variance", three, silent(pointwise))
	add("no variance beside biases", find("biases"), silent(1, 7, 13))
	add("running statistics beside silent channels", find("running statistics"), silent(stem, pointwise))
	add("images of denormal numbers", three, scaled(1e-39, images))
	add("weights of denormal numbers", three, scaled(1e-39, pointwise, pointwise+3))
	two := find("pointwise")
	two.images, two.height, two.width, two.backbone.Layers = 1, 4, 2, nil
	b := &backboneBuilder{c: &two, h: two.height, w: two.width, channel: 3}
	for _, r := range [][3]int{{3, 16, 2}, {2, 16, 1}, {1, 32, 1}} {
		b.add(r[0], r[1], r[2])
	}
	add("one image of two values a channel", two, nil)
	add("huge images", three, scaled(1e6, images))
	return extreme
}

// tensors returns a backbone's images, parameters and statistics, random but far from degenerate.
func (c backboneCase) tensors(s *autograd.Scope, dtype autograd.DType) (x *autograd.Tensor, parameters, statistics []*autograd.Tensor) {
	seed, made := c.seed+100, 0
	make := func(scale, shift float64, shape ...int64) *autograd.Tensor {
		seed++
		a := random(seed, shape...)
		for i := range a.data {
			a.data[i] = float64(float32(shift + scale*a.data[i]))
		}
		if c.alter != nil {
			c.alter(made, a.data)
		}
		made++
		t := s.To(a.tensor(s), dtype)
		if len(shape) == 4 {
			t = s.ChannelsLast(t)
		}
		return t
	}
	x = s.SetRequiresGrad(make(1, 0.1, int64(c.images), 3, int64(c.height), int64(c.width)), !c.constantImages)
	for i, l := range c.backbone.Layers {
		leaf := func(t *autograd.Tensor) {
			parameters = append(parameters, s.SetRequiresGrad(t, i >= c.backbone.Frozen))
		}
		out, in, k := int64(l.Out), int64(l.In), int64(3)
		switch l.Kind {
		case autograd.DepthwiseLayer:
			in = 1
		case autograd.PointwiseLayer:
			k = 1
		}
		leaf(make(math.Sqrt(3/float64(in*k*k)), 0.05, out, in, k, k))
		if l.Bias {
			leaf(make(0.5, 0, out))
		}
		leaf(make(0.5, 1, out))
		leaf(make(0.5, 0.2, out))
		statistics = append(statistics, make(0.3, 0, out), make(0.4, 0.8, out))
	}
	return x, parameters, statistics
}

// unfused computes the backbone with libtorch's operations: the unfused reference.
func (c backboneCase) unfused(s *autograd.Scope, x *autograd.Tensor, parameters, statistics []*autograd.Tensor) *autograd.Tensor {
	next := func() *autograd.Tensor {
		p := parameters[0]
		parameters = parameters[1:]
		return p
	}
	for i, l := range c.backbone.Layers {
		w := next()
		var bias *autograd.Tensor
		if l.Bias {
			bias = next()
		}
		conv := autograd.Conv{Stride: int64(l.Stride), Groups: 1}
		if l.Kind != autograd.PointwiseLayer {
			bottom, right := (l.OutHeight-1)*l.Stride+3-l.Height-l.Top, (l.OutWidth-1)*l.Stride+3-l.Width-l.Left
			x = s.Pad2d(x, int64(l.Left), int64(right), int64(l.Top), int64(bottom))
		}
		if l.Kind == autograd.DepthwiseLayer {
			conv.Groups = int64(l.In)
		}
		x = s.Conv2d(x, w, bias, conv)
		mode := c.mode
		if i < c.backbone.Frozen {
			mode = autograd.Evaluation
		}
		x = autograd.BatchNorm{Weight: next(), Bias: next(), Mean: statistics[2*i], Var: statistics[2*i+1], Momentum: c.backbone.Momentum,
			Eps: c.backbone.Eps, Sync: c.backbone.Sync}.Forward(s, x, mode)
		x = c.activate(s, x)
	}
	return s.GlobalAvgPool(x)
}

// activate is min(max(x, 0), cap), using relu6 if there is a cap.
func (c backboneCase) activate(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
	if math.IsInf(c.backbone.Cap, 1) {
		return s.ReLU(x)
	}
	return s.Scale(s.ReLU6(s.Scale(x, 6/c.backbone.Cap)), c.backbone.Cap/6)
}

// backboneResult is the result of a pass: features, gradients of images and parameters, statistics.
type backboneResult map[string][]float64

// features computes forward.
func (c backboneCase) features(s *autograd.Scope, x *autograd.Tensor, parameters, statistics []*autograd.Tensor, dtype, compute autograd.DType, fused bool) (features *autograd.Tensor) {
	s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
		if fused {
			features = s.Keep(c.backbone.Forward(s, x, parameters, statistics, c.mode))
		} else {
			features = s.Keep(s.To(c.unfused(s, x, parameters, statistics), dtype))
		}
		return s.Err()
	}))
	return features
}

// run computes forward and backward, with a fixed weighted sum of the features as loss.
func (c backboneCase) run(t *testing.T, dtype, compute autograd.DType, fused bool) backboneResult {
	r := backboneResult{}
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, parameters, statistics := c.tensors(s, dtype)
		features := c.features(s, x, parameters, statistics, dtype, compute, fused)
		weights := s.To(random(7, features.Shape()...).tensor(s), dtype)
		s.Backward(s.Sum(s.Mul(features, weights)))
		r["features"] = values(s, features)
		gradient := func(name string, t *autograd.Tensor) {
			if g := s.Grad(t); g != nil { // frozen parameters have none
				r[name] = values(s, g)
			}
		}
		gradient("images", x)
		for i, p := range parameters {
			gradient(fmt.Sprintf("parameter %d %v", i, p.Shape()), p)
		}
		for i, b := range statistics {
			r[fmt.Sprintf("statistic %d", i)] = values(s, b)
		}
	})
	return r
}

func values(s *autograd.Scope, t *autograd.Tensor) []float64 {
	return autograd.ToSlice[float64](s, s.To(s.Detach(t), autograd.Float64))
}

// distance is |a - b| / |b|, Euclidean norms, where |b| has a lower limit of 1e-3 per element: a
// bias before a batch norm has no gradient.
func distance(a, b []float64) float64 {
	var d, n float64
	for i := range b {
		d += (a[i] - b[i]) * (a[i] - b[i])
		n += b[i] * b[i]
	}
	return math.Sqrt(d) / (math.Sqrt(n) + 1e-3*math.Sqrt(float64(len(b))))
}

// TestBackboneMatchesReference compares the fused kernels with libtorch's operations in float64.
func TestBackboneMatchesReference(t *testing.T) {
	for _, c := range append(backboneCases(), extremeBackbones()...) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			want := c.run(t, autograd.Float64, autograd.Float32, false)
			got := c.run(t, autograd.Float32, autograd.Float32, true)
			within := 2e-3 // float32: 6e-8 per rounding; a value that rounding moves across a kink of the activation changes its gradient
			if c.name == "images of denormal numbers" {
				within = 2e-2 // relative to tiny values: a gradient of 0 becomes the rounding error of a mean; 6e-3 on one thread
			}
			if len(got) != len(want) {
				t.Errorf("%d arrays, want %d: frozen parameters have no gradients, all others have", len(got), len(want))
			}
			for name, w := range want {
				if d := distance(got[name], w); !(d <= within) {
					t.Errorf("%s is off by %.1e", name, d)
				}
			}
		})
	}
}

// TestBackboneInEveryVariant runs the comparison with each ISA variant that this processor
// supports, in a process of its own, since the selection is made once.
func TestBackboneInEveryVariant(t *testing.T) {
	inLesserVariants(t, "^TestBackbone(MatchesReference|OfPixels)$")
}

// inLesserVariants runs tests again in a process for each ISA variant below the best one that the
// processor supports.
func inLesserVariants(t *testing.T, tests string) {
	t.Helper()
	best, err := autograd.BackboneKernels()
	if err != nil {
		t.Fatal(err)
	}
	variants := []string{"amx", "avx512bf16", "avx512", "avx2", "portable"} // each implies the following ones
	for _, variant := range variants[slices.Index(variants, best)+1:] {
		test := exec.Command(os.Args[0], "-test.run", tests)
		test.Env = append(os.Environ(), "DEPTHWISE_ISA="+variant)
		if out, err := test.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", variant, err, out)
		}
	}
}

// TestBackboneRoundsNoMoreThanLibtorch: in bfloat16 individual gradients of both differ widely from
// the exact ones, because rounding switches activations on and off. But on average over weights and
// arrays the fused kernels, which round less often, are at least as close.
func TestBackboneRoundsNoMoreThanLibtorch(t *testing.T) {
	for _, c := range backboneCases() {
		logs, n := 0.0, 0
		for seed := range uint64(6) {
			c.seed = 1000 * seed
			want := c.run(t, autograd.Float64, autograd.Float32, false)
			ours := c.run(t, autograd.Float32, autograd.BFloat16, true)
			theirs := c.run(t, autograd.Float32, autograd.BFloat16, false)
			for name, w := range want {
				d, their := distance(ours[name], w), distance(theirs[name], w)
				if !(d < 1) {
					t.Errorf("%s, seed %d: %s is off by %.2f", c.name, seed, name, d)
				}
				if their > 1e-4 && d > 1e-4 { // a bias before a batch norm has a gradient of zero, exactly so here
					logs, n = logs+math.Log(d/their), n+1
				}
			}
		}
		if ratio := math.Exp(logs / float64(n)); !(ratio < 1.3) { // measured 0.5 to 1.13
			t.Errorf("%s: error %.2f times that of libtorch (geometric mean over %d arrays)", c.name, ratio, n)
		}
	}
}

// TestBackboneRepeats: results are bit-identical, and gradients accumulate over two graphs alive at
// once.
func TestBackboneRepeats(t *testing.T) {
	c := backboneCases()[5]
	for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
		a, b := c.run(t, autograd.Float32, compute, true), c.run(t, autograd.Float32, compute, true)
		for name := range a {
			checkClose(t, name, a[name], b[name], 0)
		}
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		first := c.backbone.Forward(s, x, parameters, statistics, autograd.Training)
		second := c.backbone.Forward(s, x, parameters, statistics, autograd.Training)
		s.Backward(s.Sum(first))
		once := values(s, s.Grad(parameters[0]))
		s.Backward(s.Sum(second))
		twice := values(s, s.Grad(parameters[0]))
		for i := range once {
			once[i] *= 2
		}
		checkClose(t, "gradient of both", twice, once, 1e-5)
	})
}

// TestBackbonePropagatesNaN: NaN and infinity propagate as in libtorch.
func TestBackbonePropagatesNaN(t *testing.T) {
	c := backboneCases()[5]
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		for _, mode := range []autograd.Mode{autograd.Training, autograd.Evaluation} {
			for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
				autogradtest.Run(t, func(s *autograd.Scope) {
					c := c
					c.mode = mode
					x, parameters, statistics := c.tensors(s, autograd.Float32)
					pixels := autograd.ToSlice[float32](s, x)
					pixels[len(pixels)/2] = bad
					x = s.ChannelsLast(autograd.FromSlice(s, pixels, x.Shape()...))
					s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
						got, want := c.backbone.Forward(s, x, parameters, statistics, mode), c.unfused(s, x, parameters, statistics)
						checkFinite(t, fmt.Sprintf("%v, mode %v, %v", bad, mode, compute), values(s, got), values(s, want))
						return s.Err()
					}))
				})
			}
		}
	}
}

// checkFinite checks that the same values are finite.
func checkFinite(t *testing.T, what string, got, want []float64) {
	t.Helper()
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for i := range want {
		if finite(want[i]) != finite(got[i]) {
			t.Errorf("%s: feature %d is %v, libtorch's %v", what, i, got[i], want[i])
			return
		}
	}
}
