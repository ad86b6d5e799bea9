package optim

import (
	"fmt"

	"depthwise.dev/autograd"
)

// Parameter is a trainable tensor.
type Parameter struct {
	Name    string
	Tensor  *autograd.Tensor
	NoDecay bool // excluded from weight decay
	// LRScale multiplies the learning rate of this parameter, as timm's lr_scale in torch's
	// parameter groups; 0 means 1. It is an option, not part of the State. To freeze a parameter,
	// leave it out and call Scope.SetRequiresGrad.
	LRScale float64
}

// Optimizer updates parameters from their gradients.
type Optimizer interface {
	// Step applies one update with the learning rate: Prepare with the other options at zero, then
	// [Update.Fused]. Every parameter must have a gradient; gradients are not changed. Errors are
	// kept by the scope.
	Step(s *autograd.Scope, lr float64)
	// Prepare describes one update. The methods of the Update apply it.
	Prepare(o StepOptions) Update
	// State lists the tensors that the optimizer keeps between steps.
	State() State
	// Load copies a state by name. It must hold the same tensors with the same shapes; otherwise
	// the error names every difference and nothing is changed.
	Load(s *autograd.Scope, state State) error
}

// Update is one update of all parameters, in implementations that differ only by rounding. Call
// one of them, once. It returns the global L2 norm of the gradients where [StepOptions] clips it,
// else 0. If the norm is not finite, Fused and Unfused change nothing and the step does not count. With
// [StepOptions.Scaler] they are Queued, and return NaN where it changes nothing.
// Errors are kept by the scope.
type Update interface {
	// Fused makes one pass over memory in native code. Where that is not possible (tensors that are
	// not float32 on the CPU, an optimizer without a fused form) it is Unfused.
	Fused(s *autograd.Scope) (norm float64)
	// Unfused runs libtorch's operations one after another, in the order of the implementation that
	// the optimizer is checked against.
	Unfused(s *autograd.Scope) (norm float64)
	// Queued is Unfused without waiting for a GPU, which computes the norm and clips by it; where
	// nothing is clipped it is the same. The host cannot tell then that the norm is not finite: NaN
	// propagates to the parameters, and the caller, who reads the norm, must not use them. With [StepOptions.Scaler] it returns
	// three numbers: the norm, 1 if the gradients were not finite and nothing was updated, else 0, and the scale of the step.
	Queued(s *autograd.Scope) *autograd.Readback
}

// State is the state of an optimizer between steps. Its tensors belong to the optimizer, are named
// STATE/PARAMETER as in "momentum_buffer/conv_stem.weight", and are always complete and in the same
// order.
type State struct {
	Steps   int64 // updates so far
	Tensors []autograd.Named
}

// rule is an update formula with its hyperparameters.
type rule interface {
	validate() error
	// states lists the tensors to keep beside each parameter.
	states() []stateTensor
	weightDecay() decay
	// update changes the parameters of a group, by operations over lists. It must not change grads.
	update(s *autograd.Scope, g group, grads autograd.List, at stepInfo)
}

// fusedRule is a rule with a fused form.
type fusedRule interface {
	rule
	// fuse appends the same update to a program.
	fuse(f *fusion, at stepInfo)
}

// stateTensor is a tensor beside each parameter: its name in PyTorch and its initial value.
type stateTensor struct {
	name  string
	value float64
}

// decay is a rule's weight decay.
type decay struct {
	rate      float64
	decoupled bool // the rule shrinks the parameter itself; otherwise rate*parameter is added to the gradient
}

// stepInfo is the number of a step and its learning rate.
type stepInfo struct {
	step    int64 // from 1
	lr      float64
	skipped *autograd.Tensor // how many of the steps before did not take place, with a [LossScaler]; nil: none
}

// group is the parameters that share a weight decay and a learning rate.
type group struct {
	names   []string
	params  autograd.List
	decay   float64
	lrScale float64
	state   map[string]autograd.List // by name of the state tensor
}

// optimizer is a rule with its parameters.
type optimizer struct {
	rule    rule
	steps   int64
	groups  []group
	state   []autograd.Named
	fusible bool // rule has a fused form, and it can change the parameters
}

// newOptimizer allocates the rule's state. Errors are kept by the scope.
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
		for _, k := range r.states() {
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
	_, hasFused := r.(fusedRule)
	o.fusible = hasFused && autograd.FitsUpdate(s, all)
	return o
}

// grouped lists the parameters that are updated together: those with weight decay before those
// without, and in each the learning rates in the order of their first parameters.
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

// checkParameters rejects missing and duplicate names, which a state could not distinguish, and
// negative learning rates.
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
		if err := notNegative("parameter "+p.Name, "learning-rate scale", p.LRScale); err != nil {
			return err
		}
	}
	return nil
}
