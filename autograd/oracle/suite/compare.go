package suite

import (
	"fmt"
	"math"
	"slices"
)

// Difference is the distance of a value from the reference's.
type Difference struct {
	Kind     Kind    `json:"kind"`
	Value    string  `json:"value"`    // "output", "gradient of weight", "statistic running_mean"
	Relative float64 `json:"relative"` // see Compare
}

// Compare measures every value of got against the reference: the L2 norm of the difference divided
// by the L2 norm of the reference's array. Slopes are compared with the slopes of the reference's
// gradient along the same directions, divided by the gradient's norm. It is an error if a value is
// missing, unexpected or of another shape, or if the reference is not finite.
func Compare(want, got Result) ([]Difference, error) {
	return compare(want, got, relative)
}

// CompareAngles measures 1 - cosine of the angle between the arrays instead, and skips the values
// with a ScaleFrom, which may be zero except for rounding. It is for low precision end to end.
func CompareAngles(want, got Result) ([]Difference, error) {
	kept := func(r Result) Result {
		return slices.DeleteFunc(slices.Clone(r), func(v Value) bool { return v.ScaleFrom != "" })
	}
	return compare(kept(want), kept(got), func(want Result, w, g Value) (float64, error) { return angle(w.Data, g.Data), nil })
}

func compare(want, got Result, measure func(want Result, w, g Value) (float64, error)) ([]Difference, error) {
	if len(want) != len(got) {
		return nil, fmt.Errorf("suite: %d values, the reference has %d", len(got), len(want))
	}
	var list []Difference
	for _, w := range want {
		g, ok := got.find(w.Kind, w.Name)
		if !ok {
			return nil, fmt.Errorf("suite: no %s", w.label())
		}
		if !g.Slopes && !slices.Equal(w.Shape, g.Shape) {
			return nil, fmt.Errorf("suite: %s has shape %v, the reference %v", w.label(), g.Shape, w.Shape)
		}
		if n := rms(w.Data); math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("suite: the reference's %s is not finite", w.label())
		}
		d, err := measure(want, w, g)
		if err != nil {
			return nil, err
		}
		list = append(list, Difference{Kind: w.Kind, Value: w.label(), Relative: d})
	}
	return list, nil
}

// label names the value in messages.
func (v Value) label() string {
	switch {
	case v.Name == "":
		return string(v.Kind)
	case v.Kind == Gradient:
		return "gradient of " + v.Name
	}
	return string(v.Kind) + " " + v.Name
}

// relative is the root mean square of the difference divided by that of the reference.
func relative(want Result, w, g Value) (float64, error) {
	size := rms(w.Data)
	if w.ScaleFrom != "" {
		scale, ok := want.find(Gradient, w.ScaleFrom)
		if !ok {
			return 0, fmt.Errorf("suite: %s is scaled by that of %s, which is missing", w.label(), w.ScaleFrom)
		}
		size = max(size, rms(scale.Data))
	}
	if g.Slopes {
		return alongDirections(w, g, size), nil
	}
	difference := make([]float64, len(w.Data))
	for i := range difference {
		difference[i] = g.Data[i] - w.Data[i]
	}
	return ratio(rms(difference), size), nil
}

// alongDirections compares slopes. The elements of a direction are standard normal, so the expected
// square of a slope is the squared norm of the gradient.
func alongDirections(w, g Value, size float64) float64 {
	norm := size * math.Sqrt(float64(len(w.Data)))
	worst := 0.0
	for i, direction := range Directions(w.Name, len(w.Data), len(g.Data)) {
		slope := 0.0
		for j, d := range direction {
			slope += d * w.Data[j]
		}
		worst = max(worst, ratio(math.Abs(g.Data[i]-slope), norm))
	}
	return worst
}

// ratio is a/b: 0 for 0/0, the largest number for anything that is not finite.
func ratio(a, b float64) float64 {
	switch q := a / b; {
	case a == 0:
		return 0
	case math.IsNaN(q) || math.IsInf(q, 0):
		return math.MaxFloat64
	default:
		return q
	}
}

// angle is 1 - cosine: 0 of two zero vectors, 1 of one.
func angle(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 && bb == 0 {
		return 0
	}
	norm := math.Sqrt(aa) * math.Sqrt(bb)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return math.MaxFloat64
	}
	return max(0, 1-ratio(ab, norm))
}

// rms is the root mean square.
func rms(data []float64) float64 {
	sum := 0.0
	for _, v := range data {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(len(data), 1)))
}
