package optim

import (
	"fmt"
	"math"

	"depthwise.dev/autograd"
)

// StepOptions say what an update is to do. The zero value but for LR is that of [Optimizer.Step].
type StepOptions struct {
	LR        float64
	GradScale float64 // gradients count so many times; 0 stands for 1
	// MaxGradNorm limits the norm of all gradients together, after GradScale, as [ClipGradNorm]; 0: no limit.
	MaxGradNorm float64
	// Average follows the parameters and other arrays after the update; nil: none.
	Average *Average
	// Reference updates by libtorch's operations one after another, as it is done off the CPU and in other types than
	// float32. Otherwise one native call does all of it in one pass over memory (autograd.Update); results differ by
	// roundings.
	Reference bool
}

// Step implements [Optimizer].
func (o *optimizer) Step(s *autograd.Scope, lr float64) { o.StepWith(s, StepOptions{LR: lr}) }

// StepWith implements [Optimizer].
func (o *optimizer) StepWith(s *autograd.Scope, options StepOptions) (norm float64) {
	if options.GradScale == 0 {
		options.GradScale = 1
	}
	err := s.NoGrad(func(s *autograd.Scope) error {
		if o.fits && !options.Reference && (options.Average == nil || options.Average.fits) {
			norm = o.fused(s, options)
		} else {
			norm = o.reference(s, options)
		}
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return norm
	}
	if !finite(norm) {
		return norm
	}
	o.steps++
	if options.Average != nil {
		options.Average.steps++
	}
	return norm
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// fused is the step in one native call.
func (o *optimizer) fused(s *autograd.Scope, options StepOptions) (norm float64) {
	u := autograd.Update{Scale: options.GradScale, MaxNorm: options.MaxGradNorm}
	for _, g := range o.groups {
		group := o.rule.fused(g)
		group.Step, group.LR, group.Decay = o.steps+1, options.LR*g.lrScale, g.decay
		group.Names, group.Parameters = g.names, g.params
		u.Groups = append(u.Groups, group)
	}
	if options.Average != nil {
		options.Average.join(s, &u)
	}
	return u.Apply(s)
}

// reference is the step in the operations of the implementation that the rule is checked against.
func (o *optimizer) reference(s *autograd.Scope, options StepOptions) (norm float64) {
	var all autograd.List
	grads := make([]autograd.List, len(o.groups))
	for i, g := range o.groups {
		grads[i] = g.gradients(s)
		all = append(all, grads[i]...)
	}
	scale := options.GradScale
	if options.MaxGradNorm > 0 {
		norm = math.Abs(scale) * all.Norm(s)
		if !finite(norm) {
			return norm
		}
		scale *= clipScale(norm, options.MaxGradNorm)
	}
	for i, g := range o.groups {
		coupled := g.decay != 0 && !o.rule.weightDecay().decoupled
		if scale != 1 || coupled {
			grads[i] = grads[i].Clone(s)
		}
		if scale != 1 {
			grads[i].Scale(s, scale)
		}
		if coupled {
			grads[i].AddScaled(s, g.params, g.decay)
		}
		o.rule.update(s, g, grads[i], moment{step: o.steps + 1, lr: options.LR * g.lrScale})
	}
	if options.Average != nil {
		options.Average.update(s)
	}
	return norm
}

// gradients lists those of the parameters; one without is an error.
func (g group) gradients(s *autograd.Scope) autograd.List {
	grads := make(autograd.List, len(g.params))
	for i, p := range g.params {
		if grads[i] = s.Grad(p); grads[i] == nil {
			s.Fail(fmt.Errorf("optim: %s has no gradient: the loss does not depend on it, or its backward pass has not run", g.names[i]))
			return nil
		}
	}
	return grads
}
