package autograd_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// foldedCases are those backbones of backboneCases that are a stem and whole blocks, and some for
// the ways that threads share work.
func foldedCases() []backboneCase {
	var cases []backboneCase
	for _, c := range backboneCases() {
		blocks := len(c.backbone.Layers)%2 == 1
		for i, l := range c.backbone.Layers[1:] {
			blocks = blocks && (l.Kind == autograd.DepthwiseLayer) == (i%2 == 0)
		}
		if blocks {
			cases = append(cases, c)
		}
	}
	inf := math.Inf(1)
	add := func(name string, n, h, w int, same bool, rows ...[3]int) {
		c := backboneCase{name: name, images: n, height: h, width: w, backbone: autograd.Backbone{Cap: inf, Eps: 1e-3, Momentum: 0.1}}
		b := &backboneBuilder{c: &c, h: h, w: w, channel: 3, same: same}
		for _, r := range rows {
			b.add(r[0], r[1], r[2])
		}
		cases = append(cases, c)
	}
	narrow := [][3]int{{3, 16, 2}, {2, 16, 1}, {1, 48, 1}, {2, 48, 2}, {1, 96, 1}, {2, 96, 2}, {1, 200, 1}, {2, 200, 1}, {1, 208, 1}}
	add("groups of images", 23, 32, 32, false, narrow...)
	add("one image over narrow layers", 1, 32, 40, false, narrow...)
	add("one image of one pixel", 1, 1, 1, false, narrow...)
	add("wide images", 2, 6, 500, true, narrow[:5]...)
	return cases
}

// fold is the features of the images by folded weights.
func (c backboneCase) fold(s *autograd.Scope, compute autograd.DType, x *autograd.Tensor, parameters, statistics []*autograd.Tensor) []float64 {
	return values(s, autograd.NewFoldedBackbone(s, compute, parameters, statistics).Forward(s, c.backbone, x))
}

// TestFoldedBackboneMatchesReference compares with libtorch's operations in float64, and in
// bfloat16 with what libtorch's own bfloat16 differs by.
func TestFoldedBackboneMatchesReference(t *testing.T) {
	for _, c := range foldedCases() {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			c.mode = autograd.Evaluation
			autogradtest.Run(t, func(s *autograd.Scope) {
				x, parameters, statistics := c.tensors(s, autograd.Float64)
				want := values(s, c.unfused(s, x, parameters, statistics))
				x, parameters, statistics = c.tensors(s, autograd.Float32)
				// float32: 6e-8 a rounding, of weights, products and sums of up to 200; measured at
				// most 5e-7
				if d := distance(c.fold(s, autograd.Float32, x, parameters, statistics), want); !(d <= 5e-6) {
					t.Errorf("float32 is off by %.1e", d)
				}
				ours := distance(c.fold(s, autograd.BFloat16, x, parameters, statistics), want)
				s.Fail(s.Autocast(autograd.BFloat16, func(s *autograd.Scope) error {
					theirs := distance(values(s, s.To(c.unfused(s, x, parameters, statistics), autograd.Float32)), want)
					// Each stored value is rounded by 2^-9 in both, at different places.
					if !(ours <= 2*theirs+4e-3) {
						t.Errorf("bfloat16 is off by %.1e, libtorch's by %.1e", ours, theirs)
					}
					return s.Err()
				}))
			})
		})
	}
}

// TestFoldedBackboneInEveryVariant runs the comparison with each ISA variant that this processor
// supports.
func TestFoldedBackboneInEveryVariant(t *testing.T) {
	inLesserVariants(t, "^TestFolded(BackboneMatchesReference|HeadMatchesLinear|(Backbone|Head)DoesNotDependOnTheBatch)$")
}

// TestFoldedBackboneDoesNotDependOnTheBatch: an image's features have the same bits alone, in any
// batch and on any number of threads.
func TestFoldedBackboneDoesNotDependOnTheBatch(t *testing.T) {
	c := foldedCases()[slices.IndexFunc(foldedCases(), func(c backboneCase) bool { return c.name == "groups of images" })]
	autogradtest.Run(t, func(s *autograd.Scope) {
		defer autograd.SetThreads(s, autograd.Threads())
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		pixels := autograd.ToSlice[float32](s, x)
		each := len(pixels) / c.images
		for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
			folded := autograd.NewFoldedBackbone(s, compute, parameters, statistics)
			autograd.SetThreads(s, 1)
			want := values(s, folded.Forward(s, c.backbone, x))
			for _, threads := range []int{1, 2, 3, 5, 8} {
				autograd.SetThreads(s, threads)
				for _, n := range []int{1, 2, 5, c.images} {
					part := s.ChannelsLast(autograd.FromSlice(s, pixels[:n*each], int64(n), 3, int64(c.height), int64(c.width)))
					got := values(s, folded.Forward(s, c.backbone, part))
					if !slices.Equal(got, want[:len(got)]) {
						t.Errorf("%v: %d images on %d threads: bits differ from a batch of %d on one thread", compute, n, threads, c.images)
					}
				}
			}
		}
	})
}

// TestFoldedBackboneTimes: the times have an entry for each layer and add up to no more than the
// call, however images are split among threads; measuring changes no bit.
func TestFoldedBackboneTimes(t *testing.T) {
	c := foldedCases()[slices.IndexFunc(foldedCases(), func(c backboneCase) bool { return c.name == "groups of images" })]
	autogradtest.Run(t, func(s *autograd.Scope) {
		defer autograd.SetThreads(s, autograd.Threads())
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		folded := autograd.NewFoldedBackbone(s, autograd.BFloat16, parameters, statistics).WithHead(headOf(s, 70, 208))
		want := values(s, folded.Logits(s, c.backbone, x))
		pixels := autograd.ToSlice[float32](s, x)
		each := len(pixels) / c.images
		for _, threads := range []int{1, 2, 3} {
			autograd.SetThreads(s, threads)
			for _, n := range []int{1, 2, 5, c.images} {
				part := s.ChannelsLast(autograd.FromSlice(s, pixels[:n*each], int64(n), 3, int64(c.height), int64(c.width)))
				var times autograd.FoldedTimes
				folded.Times = &times
				got := values(s, folded.Logits(s, c.backbone, part))
				if !slices.Equal(got, want[:len(got)]) {
					t.Errorf("%d images on %d threads: measuring changes the logits", n, threads)
				}
				sum := times.Waiting + times.Pool + times.Head
				for i, l := range times.Layers {
					sum += l
					if !(l > 0) {
						t.Errorf("%d images on %d threads: layer %d took %g s", n, threads, i, l)
					}
				}
				// Clocks are read a few times per layer, with nanosecond resolution.
				if len(times.Layers) != len(c.backbone.Layers) || !(times.Pool > 0 && times.Head > 0 && times.Waiting > -1e-6 && sum <= times.Whole+1e-6) {
					t.Errorf("%d images on %d threads: %+v sum to %g s", n, threads, times, sum)
				}
				old := times.Whole
				folded.Times = nil
				folded.Logits(s, c.backbone, part)
				if times.Whole != old {
					t.Error("times were measured although Times is nil")
				}
			}
		}
	})
}

// TestFoldedBackbonePropagatesNaN: NaN and infinity propagate as in libtorch.
func TestFoldedBackbonePropagatesNaN(t *testing.T) {
	c := backboneCases()[5]
	c.mode = autograd.Evaluation
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
			autogradtest.Run(t, func(s *autograd.Scope) {
				x, parameters, statistics := c.tensors(s, autograd.Float32)
				pixels := autograd.ToSlice[float32](s, x)
				pixels[len(pixels)/2] = bad
				x = s.ChannelsLast(autograd.FromSlice(s, pixels, x.Shape()...))
				got := c.fold(s, compute, x, parameters, statistics)
				s.Fail(s.Autocast(compute, func(s *autograd.Scope) error {
					checkFinite(t, fmt.Sprintf("%v, %v", bad, compute), got, values(s, c.unfused(s, x, parameters, statistics)))
					return s.Err()
				}))
			})
		}
	}
}

// TestFoldedBackboneFoldsAgain: every write to a parameter or a statistic is seen.
func TestFoldedBackboneFoldsAgain(t *testing.T) {
	c := backboneCases()[5]
	c.mode = autograd.Evaluation
	autogradtest.Run(t, func(s *autograd.Scope) {
		x, parameters, statistics := c.tensors(s, autograd.Float32)
		folded := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics)
		before := values(s, folded.Forward(s, c.backbone, x))
		for i, p := range slices.Concat(parameters, statistics) {
			s.Fail(s.NoGrad(func(s *autograd.Scope) error {
				autograd.List{p}.Scale(s, 1.5)
				return s.Err()
			}))
			got := values(s, folded.Forward(s, c.backbone, x))
			if slices.Equal(got, before) {
				t.Errorf("tensor %d was changed, but the features were not", i)
			}
			if want := c.fold(s, autograd.Float32, x, parameters, statistics); !slices.Equal(got, want) {
				t.Errorf("tensor %d: features differ from those of a new fold", i)
			}
			before = got
		}
	})
}

// TestFoldedBackboneReadsPixels: pixels give the same features as normalized images.
func TestFoldedBackboneReadsPixels(t *testing.T) {
	c := backboneCases()[5]
	autogradtest.Run(t, func(s *autograd.Scope) {
		_, parameters, statistics := c.tensors(s, autograd.Float32)
		p := autograd.Pixels{N: c.images, Height: c.height, Width: c.width, Mean: [3]float64{0.4, 0.5, 0.6}, Std: [3]float64{0.2, 0.25, 0.3}}
		p.Values = make([]uint8, p.N*p.Height*p.Width*3)
		for i := range p.Values {
			p.Values[i] = uint8(i * 7 % 256)
		}
		x := s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, autograd.CPU)
		for _, compute := range []autograd.DType{autograd.Float32, autograd.BFloat16} {
			folded := autograd.NewFoldedBackbone(s, compute, parameters, statistics)
			if got, want := values(s, folded.ForwardPixels(s, c.backbone, p)), values(s, folded.Forward(s, c.backbone, x)); !slices.Equal(got, want) {
				t.Errorf("%v: differs by %.1e", compute, distance(got, want))
			}
		}
	})
}

// TestFoldedBackboneErrors: unsupported use is an error.
func TestFoldedBackboneErrors(t *testing.T) {
	c := backboneCases()[5]
	for _, r := range []struct {
		name, want string
		f          func(s *autograd.Scope)
	}{
		{"other layers", "blocks of a depthwise and a pointwise", func(s *autograd.Scope) {
			c := c
			c.backbone.Layers = c.backbone.Layers[:2]
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			c.fold(s, autograd.Float32, x, parameters, statistics)
		}},
		{"images of another size", "does not fit 9x16", func(s *autograd.Scope) {
			_, parameters, statistics := c.tensors(s, autograd.Float32)
			c.fold(s, autograd.Float32, s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 9, 16), parameters, statistics)
		}},
		{"the weights of another backbone", "another backbone", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			folded := autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics)
			folded.Forward(s, c.backbone, x)
			b := c.backbone
			b.Layers = b.Layers[:3]
			folded.Forward(s, b, x)
		}},
		{"float64", "float32", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float64)
			c.fold(s, autograd.Float32, s.To(x, autograd.Float32), parameters, statistics)
		}},
		{"fewer pixels than the sizes say", "the slice has 5", func(s *autograd.Scope) {
			_, parameters, statistics := c.tensors(s, autograd.Float32)
			autograd.NewFoldedBackbone(s, autograd.Float32, parameters, statistics).ForwardPixels(s, c.backbone,
				autograd.Pixels{Values: make([]uint8, 5), N: 1, Height: 16, Width: 16})
		}},
	} {
		err := failing(t, func(s *autograd.Scope) error {
			r.f(s)
			return s.Err()
		})
		if !strings.Contains(err.Error(), r.want) {
			t.Errorf("%s: error %q does not contain %q", r.name, err, r.want)
		}
	}
}
