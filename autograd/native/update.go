package native

// #include "update.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// UpdateRule says by which formula parameters are updated.
type UpdateRule int

// The formulas; the numbers are those of dw_rule.
const (
	AverageOnly UpdateRule = iota // none; the average of the weights moves
	SGD
	RMSProp
	RMSPropTF
	AdamW
)

// UpdateNumbers are the formula and its numbers for a group of parameters.
type UpdateNumbers struct {
	Rule                UpdateRule
	LR, Decay           float64
	Momentum, Dampening float64 // of AdamW, Momentum is beta1
	Past, Eps           float64 // of the squares: alpha, beta2
	Step                int64   // from 1
	Nesterov            bool
}

// UpdateGroup is a group of parameters with the lists of what is kept beside them, empty where nothing is.
type UpdateGroup struct {
	UpdateNumbers
	Parameters, Momenta, Squares, Means, Averages []Tensor
}

// Update is one step of an optimizer; see dw_update.
type Update struct {
	Groups                        []UpdateGroup
	Scale, MaxNorm, AverageWeight float64
}

// Updated is what a step tells.
type Updated struct {
	Norm                  float64
	MissingGroup, Missing int // the first parameter without a gradient, -1 if all have theirs
}

// UpdateFits reports whether UpdateStep can update tensors like these.
func UpdateFits(xs []Tensor) bool { return C.dw_update_fits(first(xs), count(xs)) != 0 }

// UpdateStep updates all parameters by the gradients that they have.
func UpdateStep(u Update) (Updated, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	list := func(xs []Tensor) *C.dw_tensor {
		if len(xs) == 0 {
			return nil
		}
		pinner.Pin(unsafe.SliceData(xs))
		return first(xs)
	}
	groups := make([]C.dw_update_group, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = C.dw_update_group{rule: C.dw_rule(g.Rule), lr: C.double(g.LR), decay: C.double(g.Decay), momentum: C.double(g.Momentum),
			dampening: C.double(g.Dampening), past: C.double(g.Past), eps: C.double(g.Eps), step: C.int64_t(g.Step), nesterov: truth(g.Nesterov),
			parameters: list(g.Parameters), momenta: list(g.Momenta), squares: list(g.Squares), means: list(g.Means), averages: list(g.Averages),
			n: count(g.Parameters)}
	}
	pinner.Pin(unsafe.SliceData(groups))
	step := C.dw_update{groups: unsafe.SliceData(groups), n: C.int(len(groups)), scale: C.double(u.Scale), max_norm: C.double(u.MaxNorm),
		average_weight: C.double(u.AverageWeight)}
	var out C.dw_updated
	err := take(C.dw_update_step(&out, &step))
	return Updated{Norm: float64(out.norm), MissingGroup: int(out.missing_group), Missing: int(out.missing)}, err
}
