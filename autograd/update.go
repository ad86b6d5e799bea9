package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// UpdateRule says by which formula a fused update changes parameters; package optim has the formulas.
type UpdateRule = native.UpdateRule

// The formulas.
const (
	AverageOnly     = native.AverageOnly // none: the average follows tensors that something else changes
	SGDUpdate       = native.SGD
	RMSPropUpdate   = native.RMSProp
	RMSPropTFUpdate = native.RMSPropTF
	AdamWUpdate     = native.AdamW
)

// UpdateNumbers are a formula and its numbers.
type UpdateNumbers = native.UpdateNumbers

// UpdateGroup is parameters that are updated by the same numbers, and what is kept beside each of them, laid out alike.
type UpdateGroup struct {
	UpdateNumbers
	Names      []string // of the parameters, for errors
	Parameters List
	Momenta    List // nil: the formula has no momentum
	Squares    List // nil: none are averaged
	Means      List // nil: none are kept
	Averages   List // of the parameters; nil: none
}

// Update is an optimizer's step in one native call and, but for the limit of the norm, one pass over memory: for all tensors
// float32 on the CPU.
type Update struct {
	Groups        []UpdateGroup
	Scale         float64 // gradients count so many times
	MaxNorm       float64 // gradients count less where their norm, over all of them and after Scale, is above that; 0: no limit
	AverageWeight float64 // an average moves by so much of its difference to the parameter
}

// FitsUpdate reports whether Update can change tensors like these: float32 on the CPU, without gaps in memory.
func FitsUpdate(s *Scope, parameters List) bool {
	return s.ready("fits update", parameters...) && native.UpdateFits(parameters.handles())
}

// Apply updates the parameters by their gradients, which stay as they are, and returns the gradients' norm, 0 without a
// limit. Where the norm is not finite nothing is changed. A parameter without a gradient is an error.
func (u Update) Apply(s *Scope) (norm float64) {
	const name = "fused update"
	step := native.Update{Scale: u.Scale, MaxNorm: u.MaxNorm, AverageWeight: u.AverageWeight}
	var some List
	for i, g := range u.Groups {
		for _, list := range []List{g.Parameters, g.Momenta, g.Squares, g.Means, g.Averages} {
			if !s.ready(name, list...) {
				return 0
			}
			if list != nil && len(list) != len(g.Parameters) {
				s.Fail(fmt.Errorf("autograd: %s: group %d has lists of %d and %d tensors", name, i, len(g.Parameters), len(list)))
				return 0
			}
		}
		some = g.Parameters
		step.Groups = append(step.Groups, native.UpdateGroup{UpdateNumbers: g.UpdateNumbers, Parameters: g.Parameters.handles(),
			Momenta: g.Momenta.handles(), Squares: g.Squares.handles(), Means: g.Means.handles(), Averages: g.Averages.handles()})
	}
	out, err := native.UpdateStep(step)
	if err == nil && out.Missing >= 0 {
		err = fmt.Errorf("%s has no gradient: the loss does not depend on it, or its backward pass has not run",
			u.Groups[out.MissingGroup].name(out.Missing))
	}
	if err != nil {
		s.Fail(opError(name, some[:min(1, len(some))], err))
		return 0
	}
	return out.Norm
}

func (g UpdateGroup) name(i int) string {
	if i < len(g.Names) {
		return g.Names[i]
	}
	return fmt.Sprintf("parameter %d", i)
}
