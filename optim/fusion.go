package optim

import "depthwise.dev/autograd"

// fusion builds the program of a group's fused update, with the operands for rules.
type fusion struct {
	*autograd.UpdateProgram
	param autograd.UpdateOperand
	grad  autograd.UpdateOperand            // scaled, and with coupled weight decay added
	state map[string]autograd.UpdateOperand // by name of the state tensor
	decay float64                           // decoupled weight decay, applied by the rule
}

// groupProgram builds the fused update of a group: gradient scale, coupled weight decay, the rule,
// the weight average. average may be nil.
func groupProgram(r rule, g group, at stepInfo, scale float64, average autograd.List, weight float64) *autograd.UpdateProgram {
	f := newFusion()
	for _, k := range r.states() {
		f.state[k.name] = f.Array(g.state[k.name])
	}
	if r.weightDecay().decoupled {
		f.decay = g.decay
		f.scaleGradient(scale, 0)
	} else {
		f.scaleGradient(scale, g.decay)
	}
	if fused, ok := r.(fusedRule); ok {
		fused.fuse(f, at)
	}
	f.lerpAverage(average, weight)
	return f.UpdateProgram
}

// averageProgram builds the update of the averages of arrays that the optimizer does not change.
func averageProgram(average autograd.List, weight float64) *autograd.UpdateProgram {
	f := newFusion()
	f.lerpAverage(average, weight)
	return f.UpdateProgram
}

func newFusion() *fusion {
	p := &autograd.UpdateProgram{}
	return &fusion{UpdateProgram: p, param: p.Parameter(), grad: p.Gradient(), state: map[string]autograd.UpdateOperand{}}
}

// scaleGradient replaces the gradient by scale*gradient + decay*parameter.
func (f *fusion) scaleGradient(scale, decay float64) {
	raw, scaled := f.grad, float32(scale) != 1
	if !scaled && decay == 0 {
		return
	}
	f.grad = f.Temporary()
	switch {
	case decay == 0:
		f.Scale(f.grad, scale, raw)
	case scaled:
		f.SumScaled(f.grad, decay, f.param, scale, raw)
	default:
		f.AddScaled(f.grad, decay, f.param, raw)
	}
}

// lerpAverage moves the weight average, if there is one, toward the parameter.
func (f *fusion) lerpAverage(average autograd.List, weight float64) {
	if average == nil {
		return
	}
	to := f.Array(average)
	f.Lerp(to, to, f.param, weight)
}
