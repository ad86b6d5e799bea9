package autograd

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// GradCheckOptions are the parameters of a gradient check. Zero values mean the defaults of
// torch.autograd.gradcheck, which suit inputs and results of the order of 1.
type GradCheckOptions struct {
	Eps  float64 // the step in both directions; 0 means 1e-6
	ATol float64 // |gradient - difference| <= ATol + RTol*|difference|; 0 means 1e-5
	RTol float64 // 0 means 1e-3
	Seed uint64  // of the random weights of the result's elements
}

// GradCheck compares the gradients of f with central differences, as torch.autograd.gradcheck, and
// returns an error that names the first element where they differ. It checks the inputs that
// require gradients, or all float64 inputs if none does. f must be smooth around the inputs, return
// the same result for the same inputs, and not change them; the last two are checked as well. All
// elements of the result contribute, with random weights between 0.5 and 1.5.
func GradCheck(s *Scope, f func(s *Scope, inputs []*Tensor) *Tensor, inputs []*Tensor, o GradCheckOptions) error {
	return s.Sub(func(s *Scope) error {
		c, err := newGradChecker(s, f, inputs, o)
		if err != nil {
			return err
		}
		return c.check(s)
	})
}

// GradGradCheck is GradCheck of f's gradients, that is, of its second derivatives:
// torch.autograd.gradgradcheck.
func GradGradCheck(s *Scope, f func(s *Scope, inputs []*Tensor) *Tensor, inputs []*Tensor, o GradCheckOptions) error {
	return s.Sub(func(s *Scope) error {
		c, err := newGradChecker(s, f, inputs, o)
		if err != nil {
			return err
		}
		y := f(s, c.leaves(s))
		if !s.ready("gradient check: result", y) {
			return s.err
		}
		weights := c.weights(s, y)
		gradients := func(s *Scope, in []*Tensor) *Tensor {
			n := len(inputs)
			wanted := make([]*Tensor, len(c.checked))
			for i, k := range c.checked {
				wanted[i] = in[k]
			}
			return c.sum(s, Grad(s, []*Tensor{f(s, in[:n])}, wanted, GradOptions{GradOutputs: in[n:], CreateGraph: true, AllowUnused: true}))
		}
		second := &gradChecker{f: gradients, inputs: append(slices.Clone(inputs), weights), options: c.options}
		second.checked = append(slices.Clone(c.checked), len(inputs))
		second.values = append(slices.Clone(c.values), ToSlice[float64](s, weights))
		return second.check(s)
	})
}

// gradChecker checks one function around one point.
type gradChecker struct {
	f       func(s *Scope, inputs []*Tensor) *Tensor
	inputs  []*Tensor
	checked []int       // which inputs
	values  [][]float64 // of the checked inputs, by input
	options GradCheckOptions
}

func newGradChecker(s *Scope, f func(s *Scope, inputs []*Tensor) *Tensor, inputs []*Tensor, o GradCheckOptions) (*gradChecker, error) {
	if !s.ready("gradient check", inputs...) {
		return nil, s.err
	}
	for _, d := range []struct {
		option *float64
		value  float64
	}{{&o.Eps, 1e-6}, {&o.ATol, 1e-5}, {&o.RTol, 1e-3}} {
		if *d.option == 0 {
			*d.option = d.value
		}
	}
	c := &gradChecker{f: f, inputs: inputs, values: make([][]float64, len(inputs)), options: o}
	marked := slices.ContainsFunc(inputs, (*Tensor).RequiresGrad)
	for i, t := range inputs {
		switch {
		case marked && !t.RequiresGrad() || !marked && t.DType() != Float64:
			continue
		case t.DType() != Float64:
			return nil, fmt.Errorf("autograd: gradient check: input %d is %v; central differences need float64", i, t)
		}
		c.checked = append(c.checked, i)
		c.values[i] = ToSlice[float64](s, t)
	}
	if len(c.checked) == 0 {
		return nil, errors.New("autograd: gradient check: no input is float64")
	}
	return c, s.err
}

func (c *gradChecker) check(s *Scope) error {
	exact, err := c.gradients(s)
	if err != nil {
		return err
	}
	first, err := c.value(s)
	if err != nil {
		return err
	}
	if again, err := c.value(s); err != nil || again != first {
		return errors.Join(err, fmt.Errorf("autograd: gradient check: the function is not deterministic: it returns %v, then %v for the same inputs", first, again))
	}
	for _, i := range c.checked {
		for j := range c.values[i] {
			difference, err := c.difference(s, &c.values[i][j])
			if err != nil {
				return err
			}
			allowed := c.options.ATol + c.options.RTol*math.Abs(difference)
			if !(math.Abs(exact[i][j]-difference) <= allowed) {
				return fmt.Errorf("autograd: gradient check: input %d, %v, element %v: the backward pass gives %v, central differences %v; tolerance %.1e",
					i, c.inputs[i], position(j, c.inputs[i].Shape()), exact[i][j], difference, allowed)
			}
		}
	}
	return nil
}

// difference returns the central difference at an element of the inputs.
func (c *gradChecker) difference(s *Scope, element *float64) (float64, error) {
	v := *element
	defer func() { *element = v }()
	*element = v + c.options.Eps
	up, err := c.value(s)
	if err != nil {
		return 0, err
	}
	*element = v - c.options.Eps
	down, err := c.value(s)
	return (up - down) / (2 * c.options.Eps), err
}

// gradients returns the backward pass's gradients of all checked inputs.
func (c *gradChecker) gradients(s *Scope) (grads [][]float64, err error) {
	err = s.Sub(func(s *Scope) error {
		in := c.leaves(s)
		y := c.sum(s, []*Tensor{c.f(s, slices.Clone(in))})
		wanted := make([]*Tensor, len(c.checked))
		for k, i := range c.checked {
			wanted[k] = in[i]
			if s.err == nil && !slices.Equal(ToSlice[float64](s, in[i]), c.values[i]) {
				return fmt.Errorf("autograd: gradient check: the function changes input %d, %v", i, in[i])
			}
		}
		grads = make([][]float64, len(c.inputs))
		for k, g := range Grad(s, []*Tensor{y}, wanted, GradOptions{AllowUnused: true}) {
			i := c.checked[k]
			if grads[i] = make([]float64, len(c.values[i])); g != nil {
				grads[i] = ToSlice[float64](s, g)
			}
		}
		return s.err
	})
	return grads, err
}

// value returns the weighted sum of the function's result for the current values.
func (c *gradChecker) value(s *Scope) (v float64, err error) {
	err = s.Sub(func(s *Scope) error {
		v = s.Item(c.sum(s, []*Tensor{c.f(s, c.leaves(s))}))
		return s.err
	})
	return v, err
}

// leaves returns new inputs with the current values.
func (c *gradChecker) leaves(s *Scope) []*Tensor {
	in := make([]*Tensor, len(c.inputs))
	for i, t := range c.inputs {
		if c.values[i] == nil {
			in[i] = s.Detach(t)
			continue
		}
		in[i] = s.RequireGrad(s.ToDevice(FromSlice(s, c.values[i], t.Shape()...), t.Device()))
	}
	return in
}

// sum adds up all elements of all non-nil results with random weights.
func (c *gradChecker) sum(s *Scope, results []*Tensor) *Tensor {
	var total *Tensor
	for _, y := range results {
		if y == nil {
			continue
		}
		part := s.Sum(s.Mul(s.To(y, Float64), c.weights(s, y)))
		if total != nil {
			part = s.Add(total, part)
		}
		total = part
	}
	if total == nil {
		s.Fail(errors.New("autograd: gradient check: no result depends on the inputs"))
	}
	return total
}

func (c *gradChecker) weights(s *Scope, y *Tensor) *Tensor {
	random := rand.New(rand.NewPCG(c.options.Seed, 0))
	weights := make([]float64, y.Numel())
	for i := range weights {
		weights[i] = 0.5 + random.Float64()
	}
	return s.ToDevice(FromSlice(s, weights, y.Shape()...), y.Device())
}

// position returns the index of the j-th element in row-major order.
func position(j int, shape []int64) []int64 {
	at := make([]int64, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = int64(j) % shape[d]
		j /= int(shape[d])
	}
	return at
}
