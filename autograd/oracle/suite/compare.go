package suite

import (
	"fmt"
	"math"
	"slices"
)

// Difference is how far a value is from the reference's.
type Difference struct {
	Kind     Kind    `json:"kind"`
	Value    string  `json:"value"`    // "output", "gradient of weight", "statistic running_mean"
	Relative float64 `json:"relative"` // see Compare
}

// Compare measures every value of got against the reference: the length (L2 norm) of the difference through the length
// of the reference's array. Slopes are compared with the reference's gradient along the same directions, through the
// gradient's length. A value that only one of both has is an error; so is a reference that is not finite.
func Compare(want, got Result) ([]Difference, error) {
	return compare(want, got, relative)
}

// CompareAngles measures 1 - cosine of the angle between the arrays in place of the length, and leaves out what may
// be zero but for rounding. It is for low precision end to end.
func CompareAngles(want, got Result) ([]Difference, error) {
	kept := func(r Result) Result {
		return slices.DeleteFunc(slices.Clone(r), func(v Value) bool { return v.Like != "" })
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
			return nil, fmt.Errorf("suite: no %s", w.what())
		}
		if !g.Slopes && !slices.Equal(w.Shape, g.Shape) {
			return nil, fmt.Errorf("suite: %s has shape %v, the reference %v", w.what(), g.Shape, w.Shape)
		}
		if n := rms(w.Data); math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("suite: the reference's %s is not finite", w.what())
		}
		d, err := measure(want, w, g)
		if err != nil {
			return nil, err
		}
		list = append(list, Difference{Kind: w.Kind, Value: w.what(), Relative: d})
	}
	return list, nil
}

// what names the value in messages.
func (v Value) what() string {
	switch {
	case v.Name == "":
		return string(v.Kind)
	case v.Kind == Gradient:
		return "gradient of " + v.Name
	}
	return string(v.Kind) + " " + v.Name
}

// relative is the difference through the reference's size, both per element.
func relative(want Result, w, g Value) (float64, error) {
	size := rms(w.Data)
	if w.Like != "" {
		measure, ok := want.find(Gradient, w.Like)
		if !ok {
			return 0, fmt.Errorf("suite: %s is measured by that of %s, which is not there", w.what(), w.Like)
		}
		size = max(size, rms(measure.Data))
	}
	if g.Slopes {
		return alongDirections(w, g, size), nil
	}
	difference := make([]float64, len(w.Data))
	for i := range difference {
		difference[i] = g.Data[i] - w.Data[i]
	}
	return through(rms(difference), size), nil
}

// alongDirections compares slopes. A direction's elements are normal numbers, so that a slope's expected square is that
// of the gradient's length.
func alongDirections(w, g Value, size float64) float64 {
	length := size * math.Sqrt(float64(len(w.Data)))
	worst := 0.0
	for i, direction := range Directions(w.Name, len(w.Data), len(g.Data)) {
		slope := 0.0
		for j, d := range direction {
			slope += d * w.Data[j]
		}
		worst = max(worst, through(math.Abs(g.Data[i]-slope), length))
	}
	return worst
}

// through is a/b; nothing through nothing is no difference, and what is not a finite number the greatest there is.
func through(a, b float64) float64 {
	switch q := a / b; {
	case a == 0:
		return 0
	case math.IsNaN(q) || math.IsInf(q, 0):
		return math.MaxFloat64
	default:
		return q
	}
}

// angle is 1 - cosine; two zeros have none, one zero is at right angles to all.
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
	length := math.Sqrt(aa) * math.Sqrt(bb)
	if math.IsNaN(length) || math.IsInf(length, 0) {
		return math.MaxFloat64
	}
	return max(0, 1-through(ab, length))
}

// rms is the root of the mean square.
func rms(data []float64) float64 {
	sum := 0.0
	for _, v := range data {
		sum += v * v
	}
	return math.Sqrt(sum / float64(max(len(data), 1)))
}
