package autograd_test

import (
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestGotch: a user's layer, written in plain gotch, is part of the graph.
func TestGotch(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{0.5, 2}, 2))
		in := s.Gotch(x)
		exp, err := in.Exp(false)
		if err != nil {
			t.Fatal(err)
		}
		y := s.FromGotch(exp)
		for _, g := range []interface{ Drop() error }{in, exp} {
			if err := g.Drop(); err != nil {
				t.Error(err)
			}
		}
		s.Backward(s.Sum(y))
		checkClose(t, "gradient of exp", autograd.ToSlice[float64](s, s.Grad(x)), autograd.ToSlice[float64](s, y), 1e-15)
	})
	err := failing(t, func(s *autograd.Scope) error { s.FromGotch(nil); return nil })
	if !strings.Contains(err.Error(), "from gotch") {
		t.Errorf("error %v", err)
	}
}
