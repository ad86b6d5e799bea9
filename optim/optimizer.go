package optim

import (
	"fmt"

	"depthwise.dev/autograd"
)

// Parameter is a tensor to train.
type Parameter struct {
	Name    string
	Tensor  *autograd.Tensor
	NoDecay bool // weight decay leaves it alone
	// LRScale multiplies the learning rate of this parameter, as timm's lr_scale in torch's parameter groups; 0 means 1.
	// To freeze a parameter, leave it out and call Scope.SetRequiresGrad. It is a setting, not part of the State.
	LRScale float64
}

// Optimizer updates parameters from their gradients.
type Optimizer interface {
	// Step applies one update with the learning rate. Every parameter must have a
	// gradient; gradients are not changed. Errors stick to the scope.
	Step(s *autograd.Scope, lr float64)
	// StepWith is Step with more in the same pass over memory, and returns the
	// gradients' norm where MaxGradNorm limits it, else 0. Where the norm is not
	// finite nothing is changed and the step does not count.
	StepWith(s *autograd.Scope, o StepOptions) (norm float64)
	// State lists what the optimizer keeps between steps.
	State() State
	// Load copies a state by name. It must hold the same tensors with the same
	// shapes; otherwise every difference is named and nothing is changed.
	Load(s *autograd.Scope, state State) error
}

// State is what an optimizer keeps between steps. Its tensors are the
// optimizer's own, named KIND/PARAMETER as in "momentum_buffer/conv_stem.weight",
// always all there and in the same order.
type State struct {
	Steps   int64 // updates so far
	Tensors []autograd.Named
}

// rule is an update formula with its settings.
type rule interface {
	validate() error
	// kept lists the tensors to keep for each parameter.
	kept() []kept
	// weightDecay tells how strongly, and how, parameters are drawn to zero.
	weightDecay() decay
	// update changes the parameters of a group. grads are not the rule's to change.
	update(s *autograd.Scope, g group, grads autograd.List, at moment)
	// fused describes the same update for autograd.Update, parameters and decay apart.
	fused(g group) autograd.UpdateGroup
}

// kept is a tensor beside each parameter: its PyTorch name and first value.
type kept struct {
	name  string
	value float64
}

// decay is a rule's weight decay.
type decay struct {
	rate      float64
	decoupled bool // the rule shrinks the parameter itself; else it is added to the gradient
}

// moment is when an update happens.
type moment struct {
	step int64 // counted from 1
	lr   float64
}

// group is the parameters that share a weight decay and a learning rate.
type group struct {
	names   []string
	params  autograd.List
	decay   float64
	lrScale float64
	state   map[string]autograd.List // by name of the kept tensor
}

// optimizer is a rule with its parameters.
type optimizer struct {
	rule   rule
	steps  int64
	groups []group
	state  []autograd.Named
	fits   bool // the fused update can do it
}

// newOptimizer allocates all that the rule keeps. What is wrong sticks to the scope.
func newOptimizer(s *autograd.Scope, params []Parameter, r rule) *optimizer {
	o := &optimizer{rule: r}
	if err := r.validate(); err != nil {
		s.Fail(err)
		return o
	}
	if err := checkParameters(params); err != nil {
		s.Fail(err)
		return o
	}
	for _, members := range grouped(params) {
		g := group{state: map[string]autograd.List{}, lrScale: members[0].lrScale()}
		if !members[0].NoDecay {
			g.decay = r.weightDecay().rate
		}
		for _, p := range members {
			g.names, g.params = append(g.names, p.Name), append(g.params, p.Tensor)
		}
		for _, k := range r.kept() {
			list := g.params.FullLike(s, k.value)
			g.state[k.name] = list
			for i, t := range list {
				o.state = append(o.state, autograd.Named{Name: k.name + "/" + g.names[i], Tensor: t})
			}
		}
		o.groups = append(o.groups, g)
	}
	var all autograd.List
	for _, p := range params {
		all = append(all, p.Tensor)
	}
	o.fits = autograd.FitsUpdate(s, all)
	return o
}

// grouped are the parameters that are updated together: those with decay before those without, and in each the learning
// rates in the order of their first parameters.
func grouped(params []Parameter) [][]Parameter {
	type key struct {
		noDecay bool
		lrScale float64
	}
	var keys []key
	groups := map[key][]Parameter{}
	for _, noDecay := range []bool{false, true} {
		for _, p := range params {
			if p.NoDecay != noDecay {
				continue
			}
			k := key{noDecay, p.lrScale()}
			if groups[k] == nil {
				keys = append(keys, k)
			}
			groups[k] = append(groups[k], p)
		}
	}
	list := make([][]Parameter, len(keys))
	for i, k := range keys {
		list[i] = groups[k]
	}
	return list
}

func (p Parameter) lrScale() float64 {
	if p.LRScale == 0 {
		return 1
	}
	return p.LRScale
}

// checkParameters finds names that could not be told apart in a state, and impossible learning rates.
func checkParameters(params []Parameter) error {
	seen := make(map[string]bool, len(params))
	for i, p := range params {
		if p.Name == "" {
			return fmt.Errorf("optim: parameter %d has no name", i)
		}
		if seen[p.Name] {
			return fmt.Errorf("optim: two parameters are named %q", p.Name)
		}
		seen[p.Name] = true
		if err := notNegative("parameter "+p.Name, "learning rate's scale", p.LRScale); err != nil {
			return err
		}
	}
	return nil
}
