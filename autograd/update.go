package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// UpdateGroup is parameters that the same program updates.
type UpdateGroup struct {
	Names      []string // of the parameters, for errors
	Parameters List
	Program    *UpdateProgram
}

// Update is an optimizer's step in one native call and one pass over memory. All its tensors are
// float32 on the CPU, and arrays beside a parameter are laid out in memory as it is.
type Update struct{ Groups []UpdateGroup }

// FitsUpdate reports whether Update can change tensors like these: float32 on the CPU, without gaps
// in memory.
func FitsUpdate(s *Scope, parameters List) bool {
	return s.ready("fits update", parameters...) && native.UpdateFits(parameters.handles())
}

// Apply runs the programs. Gradients are not changed. A parameter without a gradient that its
// program reads is an error, and nothing is changed then.
func (u Update) Apply(s *Scope) {
	const name = "fused update"
	groups, ok := u.native(s, name)
	if !ok {
		return
	}
	missing, err := native.UpdateStep(groups)
	u.fail(s, name, missing, err)
}

// Norm is the L2 norm over all gradients that the programs read. It is summed in double, so that no
// float32 overflows, and does not depend on the number of threads.
func (u Update) Norm(s *Scope) float64 {
	const name = "fused update norm"
	groups, ok := u.native(s, name)
	if !ok {
		return 0
	}
	norm, missing, err := native.UpdateNorm(groups)
	u.fail(s, name, missing, err)
	return norm
}

// native checks the groups and turns them into handles.
func (u Update) native(s *Scope, name string) ([]native.UpdateGroup, bool) {
	var groups []native.UpdateGroup
	for i, g := range u.Groups {
		group := native.UpdateGroup{Parameters: g.Parameters.handles()}
		if !s.ready(name, g.Parameters...) {
			return nil, false
		}
		if g.Program != nil {
			if err := g.Program.err; err != nil {
				s.Fail(fmt.Errorf("autograd: %s: group %d: %w", name, i, err))
				return nil, false
			}
			group.Program = g.Program.code
			for _, list := range g.Program.arrays {
				if !s.ready(name, list...) {
					return nil, false
				}
				if len(list) != len(g.Parameters) {
					s.Fail(fmt.Errorf("autograd: %s: group %d has lists of %d and %d tensors", name, i, len(g.Parameters), len(list)))
					return nil, false
				}
				group.Arrays = append(group.Arrays, list.handles())
			}
		}
		groups = append(groups, group)
	}
	return groups, true
}

// fail reports what a native call returned.
func (u Update) fail(s *Scope, name string, missing *native.MissingGradient, err error) {
	if missing != nil {
		err = fmt.Errorf("%s has no gradient: the loss does not depend on it, or its backward pass has not run",
			u.Groups[missing.Group].name(missing.Parameter))
	}
	if err != nil {
		var some List
		for _, g := range u.Groups {
			some = g.Parameters
		}
		s.Fail(opError(name, some[:min(1, len(some))], err))
	}
}

func (g UpdateGroup) name(i int) string {
	if i < len(g.Names) {
		return g.Names[i]
	}
	return fmt.Sprintf("parameter %d", i)
}
