package autograd

import (
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd/native"
)

// UseStream lets the operations of this scope's thread on a GPU run on a stream that [Capture] can record. On the CPU it
// does nothing.
func UseStream(s *Scope, dev Device) {
	if dev == CPU || !s.ready("use stream") {
		return
	}
	if err := native.UseStream(int(dev)); err != nil {
		s.Fail(opError("use stream", nil, err))
	}
}

// A CUDAGraph is work of a GPU that was recorded once and is launched as a whole: torch.cuda.CUDAGraph. It belongs to no
// scope.
type CUDAGraph struct{ c native.Capture }

// Capture records the operations of f on a GPU, and of backward passes in it, without computing them, and returns the
// tensors that f returned, which belong to s: Replay computes their values. f may read and write tensors that exist
// before, which must live as long as the graph is used. An operation that makes the host wait, or copies from the host, is an
// error; after an error the GPU can still be used. shares is a graph whose memory pool this one uses, or nil:
// a replay of one then may overwrite results of the other, which must be read before.
func Capture(s *Scope, dev Device, shares *CUDAGraph, f func(*Scope) []*Tensor) ([]*Tensor, *CUDAGraph, error) {
	const name = "capture"
	if dev == CPU {
		return nil, nil, fmt.Errorf("autograd: %s: a CUDA graph needs a GPU", name)
	}
	if err := s.enter(name); err != nil {
		return nil, nil, err
	}
	var with *native.Capture
	if shares != nil {
		with = &shares.c
	}
	c, err := native.BeginCapture(int(dev), with)
	if err != nil {
		return nil, nil, opError(name, nil, err)
	}
	var results []*Tensor
	err = s.Sub(func(s *Scope) error {
		results = f(s)
		if slices.Contains(results, nil) && s.Err() == nil {
			return errors.New("autograd: capture: a result is nil")
		}
		for _, t := range results {
			s.Keep(t)
		}
		if s.Err() != nil {
			return s.Err()
		}
		if err := c.End(); err != nil {
			return opError(name, nil, err)
		}
		return nil
	})
	if err != nil {
		s.Free(results...)
		c.Free()
		return nil, nil, err
	}
	return results, &CUDAGraph{c}, nil
}

// Replay computes what was recorded.
func (g *CUDAGraph) Replay(s *Scope) {
	if !s.ready("replay") {
		return
	}
	if err := g.c.Replay(); err != nil {
		s.Fail(opError("replay", nil, err))
	}
}

// Free releases the graph and its memory, except that of its results.
func (g *CUDAGraph) Free() { g.c.Free() }

// SetGrads makes gradients those of leaves, in the same order, sharing their memory, as after a backward pass.
func SetGrads(s *Scope, leaves, gradients List) {
	leaves.update(s, "set gradients", []List{gradients}, func(x []native.Tensor) error {
		for i, g := range gradients.handles() {
			if err := native.SetGradient(x[i], g); err != nil {
				return err
			}
		}
		return nil
	})
}
