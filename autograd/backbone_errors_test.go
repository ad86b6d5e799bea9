package autograd_test

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
)

// TestBackboneErrors: unsupported use is an error that names the alternative.
func TestBackboneErrors(t *testing.T) {
	c := backboneCases()[5]
	forward := func(s *autograd.Scope, dtype autograd.DType) (*autograd.Tensor, *autograd.Tensor) {
		x, parameters, statistics := c.tensors(s, dtype)
		return c.backbone.Forward(s, x, parameters, statistics, autograd.Training), x
	}
	for _, r := range []struct {
		name, want string
		f          func(s *autograd.Scope)
	}{
		{"a second backward pass", "first backward pass", func(s *autograd.Scope) {
			y, _ := forward(s, autograd.Float32)
			s.BackwardWith(s.Sum(y), autograd.BackwardOptions{RetainGraph: true})
			s.Backward(s.Sum(y))
		}},
		{"second derivatives", "--kernels torch", func(s *autograd.Scope) {
			y, x := forward(s, autograd.Float32)
			autograd.Grad(s, []*autograd.Tensor{s.Sum(y)}, []*autograd.Tensor{x}, autograd.GradOptions{CreateGraph: true})
		}},
		{"images of another size", "does not fit 9x16", func(s *autograd.Scope) {
			_, parameters, statistics := c.tensors(s, autograd.Float32)
			c.backbone.Forward(s, s.Zeros(autograd.Float32, autograd.CPU, 2, 3, 9, 16), parameters, statistics, autograd.Training)
		}},
		{"too few parameters", "too few", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			c.backbone.Forward(s, x, parameters[:len(parameters)-1], statistics, autograd.Training)
		}},
		{"a parameter of another size", "values are expected", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			parameters[3] = s.Zeros(autograd.Float32, autograd.CPU, 5)
			c.backbone.Forward(s, x, parameters, statistics, autograd.Training)
		}},
		{"layers in another order", "layer 1 does not follow", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			b := c.backbone
			b.Layers = append(slices.Clone(b.Layers[:1]), b.Layers[3:]...)
			b.Layers[1].In = 7
			b.Forward(s, x, parameters, statistics, autograd.Training)
		}},
		{"one value per channel", "single value", func(s *autograd.Scope) {
			one := backboneCases()[0]
			one.images, one.height, one.width = 1, 1, 1
			one.backbone.Layers = slices.Clone(one.backbone.Layers)
			l := &one.backbone.Layers[0]
			l.Height, l.Width, l.OutHeight, l.OutWidth = 1, 1, 1, 1
			x, parameters, statistics := one.tensors(s, autograd.Float32)
			one.backbone.Forward(s, x, parameters, statistics, autograd.Training)
		}},
		{"float16", "not in float16", func(s *autograd.Scope) {
			s.Fail(s.Autocast(autograd.Float16, func(s *autograd.Scope) error { forward(s, autograd.Float32); return s.Err() }))
		}},
		{"inference in float16", "not in float16", func(s *autograd.Scope) {
			x, parameters, statistics := c.tensors(s, autograd.Float32)
			autograd.NewFoldedBackbone(s, autograd.Float16, parameters, statistics).Forward(s, c.backbone, x)
		}},
		{"a folded convolution in float16", "not in float16", func(s *autograd.Scope) {
			leaves, bn := fusedConvSetup{x: []int64{2, 8, 4, 4}, w: []int64{8, 8, 1, 1}}.tensors(s, autograd.Float32)
			autograd.NewFoldedConv(s, autograd.Float16).Fold(s, leaves[1], nil, bn, 1)
		}},
		{"float64", "float32", func(s *autograd.Scope) { forward(s, autograd.Float64) }},
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

// TestBackbonePixelErrors: pixels that do not match their sizes are errors.
func TestBackbonePixelErrors(t *testing.T) {
	c := backboneCases()[5]
	for want, change := range map[string]func(p *autograd.Pixels){
		"has 3072 elements, the slice has 3071": func(p *autograd.Pixels) { p.Values = p.Values[1:] },
		"does not fit 8x32":                     func(p *autograd.Pixels) { p.Height, p.Width = 8, 32 },
		"no layers or no images":                func(p *autograd.Pixels) { p.Values, p.N = nil, 0 },
		"too many elements":                     func(p *autograd.Pixels) { p.Values, p.N, p.Height, p.Width = nil, 1<<22, 1<<21, 1<<21 },
	} {
		err := failing(t, func(s *autograd.Scope) error {
			_, parameters, statistics := c.tensors(s, autograd.Float32)
			p := c.pixels()
			change(&p)
			c.backbone.ForwardPixels(s, p, parameters, statistics, autograd.Training)
			return s.Err()
		})
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "nil") {
			t.Errorf("error %q does not contain %q, or mentions nil", err, want)
		}
	}
}
