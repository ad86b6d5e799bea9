package autograd

import (
	"fmt"

	"github.com/sugarme/gotch/ts"

	lib "github.com/sugarme/gotch/libtch"
)

// Gotch returns a plain gotch tensor that shares t's values and its place in the graph. The caller
// must Drop it.
func (s *Scope) Gotch(t *Tensor) *ts.Tensor {
	if !s.ready("gotch", t) {
		return nil
	}
	return ts.New(lib.AtShallowClone(t.c))
}

// FromGotch returns a tensor of s that shares g's values and its place in the graph; g still
// belongs to the caller.
func (s *Scope) FromGotch(g *ts.Tensor) *Tensor {
	if !s.ready("from gotch") {
		return nil
	}
	if g == nil || g.Ctensor() == nil {
		s.Fail(fmt.Errorf("autograd: from gotch: the tensor is nil or was dropped"))
		return nil
	}
	return s.own(lib.AtShallowClone(lib.Ctensor(g.Ctensor())))
}

// ForwardModule applies a plain gotch module, such as those of gotch's package nn. Its parameters
// remain gotch's; FromGotch converts them for use in an optimizer. Gotch's own modules end the
// process on a libtorch error.
func (s *Scope) ForwardModule(m ts.Module, x *Tensor) *Tensor {
	in := s.Gotch(x)
	if in == nil {
		return nil
	}
	out := m.Forward(in)
	y := s.FromGotch(out)
	if out != nil && out != in {
		s.Fail(out.Drop())
	}
	s.Fail(in.Drop())
	return y
}

// Module wraps f as a plain gotch module, for gotch's nn.Sequential and the like. It belongs to s:
// an error of f is an error of s, and the module then returns an undefined tensor. The caller must
// Drop the result of Forward.
func (s *Scope) Module(f func(s *Scope, x *Tensor) *Tensor) ts.Module { return module{s, f} }

type module struct {
	scope *Scope
	f     func(s *Scope, x *Tensor) *Tensor
}

// Forward implements ts.Module.
func (m module) Forward(x *ts.Tensor) *ts.Tensor {
	var y *ts.Tensor
	err := m.scope.Sub(func(s *Scope) error {
		if result := m.f(s, s.FromGotch(x)); s.ready("gotch module: result", result) {
			y = s.Gotch(result)
		}
		return s.err
	})
	if err != nil {
		m.scope.Fail(err)
		return ts.NewTensor()
	}
	return y
}
