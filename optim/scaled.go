package optim

import (
	"math"

	"depthwise.dev/autograd"
)

// scaled is an update by scaled gradients, which it divides in place, without waiting for a GPU. The rule updates in any case; where
// the gradients are not finite, all that it has changed is overwritten with copies from before. The step counts in any
// case.
func (p preparedStep) scaled(s *autograd.Scope) *autograd.Readback {
	var result *autograd.Readback
	p.count(s, func(s *autograd.Scope) float64 {
		grads, all := p.gradients(s)
		scale := s.Scale(p.Scaler.scale, 1) // a copy from before the step
		p.Scaler.unscale(s, all)
		u, first := p, p.Average != nil && p.Average.steps == 0
		if first {
			u.Average = nil
		}
		changed := u.changed()
		kept := changed.Clone(s)
		norm := u.scaledGroups(s, grads, all)
		changed.Restore(s, kept, p.Scaler.found)
		if first { // a copy of the arrays, which needs no gradient
			p.Average.update(s)
		}
		p.Scaler.update(s)
		result = s.ReadLater(norm, p.Scaler.found, scale)
		return 0
	})
	return result
}

// scaledGroups updates all groups and returns the norm of the gradients, 0 where nothing is clipped.
func (p preparedStep) scaledGroups(s *autograd.Scope, grads []autograd.List, all autograd.List) (norm *autograd.Tensor) {
	if p.MaxGradNorm == 0 {
		p.updateGroups(s, grads, func(s *autograd.Scope, grads autograd.List) (scaled autograd.List, own bool) {
			return p.byConstant(s, grads, p.GradScale)
		})
		return s.Scale(p.Scaler.found, 0)
	}
	norm = s.Scale(all.NormTensor(s), math.Abs(p.GradScale))
	factor := s.Scale(autograd.ClipFactor(s, norm, p.MaxGradNorm, clipEps), p.GradScale)
	p.updateGroups(s, grads, func(s *autograd.Scope, grads autograd.List) (scaled autograd.List, own bool) {
		return grads.Times(s, factor), true
	})
	return norm
}

// changed lists the tensors that the update changes.
func (p preparedStep) changed() autograd.List {
	var all autograd.List
	for _, g := range p.o.groups {
		all = append(all, g.params...)
	}
	all = append(all, list(p.o.state)...)
	if p.Average != nil {
		all = append(all, list(p.Average.values)...)
	}
	return all
}

// readScaled waits for the result of scaled and returns the norm, NaN where the gradients are not finite.
func readScaled(s *autograd.Scope, r *autograd.Readback) float64 {
	if s.Err() != nil {
		return 0
	}
	values, err := r.Values()
	if err != nil {
		s.Fail(err)
		return 0
	}
	if found := values[1]; found != 0 {
		return math.NaN()
	}
	return values[0]
}

// performed is the number of this update among those that took place, from 1, as a float64 scalar: the host does not know it while
// steps are queued. Without a scaler it is nil.
func (i stepInfo) performed(s *autograd.Scope) *autograd.Tensor {
	if i.skipped == nil {
		return nil
	}
	return s.AddScalar(s.Scale(s.To(i.skipped, autograd.Float64), -1), float64(i.step))
}
