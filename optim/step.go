package optim

import (
	"fmt"
	"math"

	"depthwise.dev/autograd"
)

// StepOptions are the options of one update. [Optimizer.Step] sets only LR.
type StepOptions struct {
	LR        float64
	GradScale float64 // factor of the gradients, such as 1/batch for summed losses; 0 means 1
	// MaxGradNorm clips the global L2 norm of the gradients, after GradScale, as [ClipGradNorm]
	// does; 0: no clipping.
	MaxGradNorm float64
	// Average follows the parameters and other arrays after the update; nil: none.
	Average *Average
	// Scaler scaled the loss: the update divides the gradients, in place, and does not take place where they are infinite or NaN.
	// The step counts, and Average does not follow it. nil: the loss is not scaled.
	Scaler *LossScaler
}

// preparedStep is an [Update] of an optimizer.
type preparedStep struct {
	StepOptions
	o *optimizer
}

// Step implements [Optimizer].
func (o *optimizer) Step(s *autograd.Scope, lr float64) { o.Prepare(StepOptions{LR: lr}).Fused(s) }

// Prepare implements [Optimizer].
func (o *optimizer) Prepare(options StepOptions) Update {
	if options.GradScale == 0 {
		options.GradScale = 1
	}
	return preparedStep{options, o}
}

// Fused implements [Update].
func (p preparedStep) Fused(s *autograd.Scope) (norm float64) {
	if p.Scaler != nil || !p.o.fusible || p.Average != nil && !p.Average.fusible {
		return p.Unfused(s)
	}
	return p.count(s, p.fused)
}

// Unfused implements [Update].
func (p preparedStep) Unfused(s *autograd.Scope) (norm float64) {
	if p.Scaler != nil {
		return readScaled(s, p.scaled(s))
	}
	return p.count(s, p.unfused)
}

// count runs an update without recording a graph, and counts the step if it took place.
func (p preparedStep) count(s *autograd.Scope, update func(*autograd.Scope) float64) (norm float64) {
	err := s.NoGrad(func(s *autograd.Scope) error {
		norm = update(s)
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return norm
	}
	if !finite(norm) {
		return norm
	}
	p.o.steps++
	if p.Average != nil {
		p.Average.steps++
	}
	return norm
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// at returns the step info for a group.
func (p preparedStep) at(g group) stepInfo {
	info := stepInfo{step: p.o.steps + 1, lr: p.LR * g.lrScale}
	if p.Scaler != nil {
		info.skipped = p.Scaler.skipped
	}
	return info
}

// fused updates all groups in one native call, after another one for the norm if it is clipped.
func (p preparedStep) fused(s *autograd.Scope) (norm float64) {
	scale := p.GradScale
	if p.MaxGradNorm > 0 {
		norm = math.Abs(scale) * p.programs(s, scale).Norm(s)
		if !finite(norm) {
			return norm
		}
		scale *= clipScale(norm, p.MaxGradNorm)
	}
	p.programs(s, scale).Apply(s)
	return norm
}

// programs builds the update programs of all groups, and of the averages of arrays that are not
// parameters.
func (p preparedStep) programs(s *autograd.Scope, scale float64) autograd.Update {
	var u autograd.Update
	averages := averagesOf(s, p.Average, p.o.groups)
	for i, g := range p.o.groups {
		program := groupProgram(p.o.rule, g, p.at(g), scale, averages.groups[i], averages.weight)
		u.Groups = append(u.Groups, autograd.UpdateGroup{Names: g.names, Parameters: g.params, Program: program})
	}
	if averages.others != nil {
		program := averageProgram(averages.otherAverages, averages.weight)
		u.Groups = append(u.Groups, autograd.UpdateGroup{Parameters: averages.others, Program: program})
	}
	return u
}

// unfused updates the groups one after another by libtorch's operations.
func (p preparedStep) unfused(s *autograd.Scope) (norm float64) {
	grads, all := p.gradients(s)
	scale := p.GradScale
	if p.MaxGradNorm > 0 {
		norm = math.Abs(scale) * all.Norm(s)
		if !finite(norm) {
			return norm
		}
		scale *= clipScale(norm, p.MaxGradNorm)
	}
	p.updateGroups(s, grads, func(s *autograd.Scope, grads autograd.List) (scaled autograd.List, own bool) {
		return p.byConstant(s, grads, scale)
	})
	return norm
}

// byConstant returns gradients times a number, and whether they are a copy.
func (p preparedStep) byConstant(s *autograd.Scope, grads autograd.List, scale float64) (scaled autograd.List, own bool) {
	if scale == 1 {
		return grads, false
	}
	grads = grads.Clone(s)
	grads.Scale(s, scale)
	return grads, true
}

// gradients lists the gradients of each group, and those of all.
func (p preparedStep) gradients(s *autograd.Scope) (groups []autograd.List, all autograd.List) {
	groups = make([]autograd.List, len(p.o.groups))
	for i, g := range p.o.groups {
		groups[i] = g.gradients(s)
		all = append(all, groups[i]...)
	}
	return groups, all
}

// updateGroups applies the rule to each group with its scaled gradients, which it may change where they are its own
// and not the parameters', and then updates the average.
func (p preparedStep) updateGroups(s *autograd.Scope, grads []autograd.List, scale func(*autograd.Scope, autograd.List) (scaled autograd.List, own bool)) {
	for i, g := range p.o.groups {
		scaled, own := scale(s, grads[i])
		if coupled := g.decay != 0 && !p.o.rule.weightDecay().decoupled; coupled {
			if own {
				scaled.AddScaled(s, g.params, g.decay)
			} else {
				scaled = scaled.Plus(s, g.params, g.decay)
			}
		}
		p.o.rule.update(s, g, scaled, p.at(g))
	}
	if p.Average != nil {
		p.Average.update(s)
	}
}

// gradients lists the gradients of the parameters. A parameter without one is an error.
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
