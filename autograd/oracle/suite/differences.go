package suite

import (
	"context"
	"fmt"
	"math"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// Differences computes gradients as central differences of libtorch's float64 forward pass: along
// every coordinate of an array of at most Coordinates elements, along that many random Directions
// of a larger one.
type Differences struct{ Coordinates, Directions int }

// smallStep is the cube root of float64's epsilon, at which the truncation error (h*h) and the
// rounding error (epsilon/h) of a central difference are equal for a smooth function of values near
// one. It is multiplied by the array's scale.
const smallStep = 6e-6

// Case computes the output, the new running statistics, and the slopes along every input that has a
// gradient.
func (d Differences) Case(ctx context.Context, c Case) (r Result, err error) {
	t := Torch{Parameters: autograd.Float64, Compute: autograd.Float64}
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		return s.NoGrad(func(s *autograd.Scope) error {
			p := probe{scope: s, engine: t, c: c}
			output, after, err := p.evaluate(c.Inputs)
			if err != nil {
				return err
			}
			r = Result{{Kind: Output, Array: output}}
			p.cotangent = c.cotangent(len(output.Data))
			for i, input := range c.Inputs {
				if input.Running {
					r = append(r, Value{Name: input.Name, Kind: Statistic, Array: after[i]})
					continue
				}
				v, err := d.slopes(p, i)
				if err != nil {
					return err
				}
				r = append(r, v)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("suite: %s: differences: %w", c.Name, err)
	}
	return r, nil
}

// slopes computes those along one input.
func (d Differences) slopes(p probe, input int) (Value, error) {
	in := p.c.Inputs[input]
	v := Value{Name: in.Name, Kind: Gradient, ScaleFrom: in.ScaleFrom}
	var directions [][]float64
	if n := len(in.Data); n <= d.Coordinates {
		v.Shape = in.Shape
		for i := range n {
			directions = append(directions, make([]float64, n))
			directions[i][i] = 1
		}
	} else {
		v.Slopes = true
		directions = Directions(in.Name, n, d.Directions)
		v.Shape = []int64{int64(len(directions))}
	}
	for _, direction := range directions {
		slope, err := p.slope(input, direction)
		if err != nil {
			return v, err
		}
		v.Data = append(v.Data, slope)
	}
	return v, nil
}

// probe evaluates a case at other inputs.
type probe struct {
	scope     *autograd.Scope
	engine    Torch
	c         Case
	cotangent []float64
}

// slope differentiates along a direction. The first step is proportional to the array's scale; if a
// sixteenth of the step gives another result, it contains a kink or strong curvature, and it
// tries smaller steps. It returns the estimate that agrees best with that of the next smaller step.
func (p probe) slope(input int, direction []float64) (float64, error) {
	const reductions, shrink, agree = 2, 16, 1e-7
	h := smallStep * scaleOf(p.c.Inputs[input].Data)
	last, err := p.difference(input, direction, h)
	if err != nil {
		return 0, err
	}
	best, gap := last, math.Inf(1)
	for range reductions {
		h /= shrink
		next, err := p.difference(input, direction, h)
		if err != nil {
			return 0, err
		}
		if d := math.Abs(next - last); d < gap {
			best, gap = last, d
		}
		if gap <= agree*math.Abs(best) {
			break
		}
		last = next
	}
	return best, nil
}

// difference is the central difference with step h. It subtracts the outputs before it sums them,
// which loses fewer digits.
func (p probe) difference(input int, direction []float64, h float64) (float64, error) {
	var ends [2]oracle.Array
	for i, sign := range []float64{1, -1} {
		moved := append([]Input(nil), p.c.Inputs...)
		data := append([]float64(nil), moved[input].Data...)
		for j, d := range direction {
			data[j] += sign * h * d
		}
		moved[input].Data = data
		var err error
		if ends[i], _, err = p.evaluate(moved); err != nil {
			return 0, err
		}
	}
	sum := 0.0
	for i, w := range p.cotangent {
		sum += w * (ends[0].Data[i] - ends[1].Data[i])
	}
	return sum / (2 * h), nil
}

// evaluate computes the case's output at the given inputs, and the new values of the running ones
// among them.
func (p probe) evaluate(inputs []Input) (out oracle.Array, after []oracle.Array, err error) {
	err = p.scope.Sub(func(s *autograd.Scope) error {
		c := p.c
		c.Inputs = inputs
		in := p.engine.inputs(s, c, false)
		y, err := p.engine.forward(s, c, in)
		if err != nil {
			return err
		}
		out = readOne(s, y)
		after = make([]oracle.Array, len(in))
		for i, input := range inputs {
			if input.Running {
				after[i] = readOne(s, in[i])
			}
		}
		return s.Err()
	})
	return out, after, err
}

// scaleOf is the root mean square, 1 for zeros.
func scaleOf(data []float64) float64 {
	if s := rms(data); s > 0 {
		return s
	}
	return 1
}
