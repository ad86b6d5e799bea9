package optim

import (
	"math"

	"depthwise.dev/autograd"
)

// Queued implements [Update].
func (p preparedStep) Queued(s *autograd.Scope) *autograd.Readback {
	if p.Scaler != nil {
		return p.scaled(s)
	}
	if p.MaxGradNorm == 0 || p.o.onCPU() {
		return autograd.Known(p.Unfused(s))
	}
	return p.clippedOnDevice(s)
}

// onCPU reports whether the parameters are on the CPU.
func (o *optimizer) onCPU() bool {
	return len(o.groups) == 0 || o.groups[0].params[0].Device() == autograd.CPU
}

// clippedOnDevice is unfused with the norm and the factor that clips as tensors. The step counts in any case.
func (p preparedStep) clippedOnDevice(s *autograd.Scope) *autograd.Readback {
	var norm *autograd.Readback
	p.count(s, func(s *autograd.Scope) float64 {
		grads, all := p.gradients(s)
		total := s.Scale(all.NormTensor(s), math.Abs(p.GradScale))
		factor := s.Scale(autograd.ClipFactor(s, total, p.MaxGradNorm, clipEps), p.GradScale)
		p.updateGroups(s, grads, func(s *autograd.Scope, grads autograd.List) (scaled autograd.List, own bool) {
			return grads.Times(s, factor), true
		})
		norm = s.ReadLater(total)
		return 0
	})
	return norm
}
