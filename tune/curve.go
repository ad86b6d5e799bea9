package tune

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"depthwise.dev/internal/validate"
)

// Range is a learning-rate range test (L. Smith, arXiv:1506.01186): the learning rate rises exponentially from From to To
// over a number of steps. 0 is the default of each field, see [Range.Around].
type Range struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Steps int     `json:"steps"`
}

// Around sets the fields that are 0: a hundredth and a hundred times the learning rate of the run, in DefaultSteps. A range
// of which nothing is left is an error.
func (r Range) Around(lr float64) (Range, error) {
	r.From, r.To, r.Steps = cmp.Or(r.From, lr/100), cmp.Or(r.To, lr*100), cmp.Or(r.Steps, DefaultSteps)
	if r.From >= r.To {
		return r, fmt.Errorf("the learning rate must rise, and the range is from %.2g to %.2g: set --from and --to", r.From, r.To)
	}
	return r, nil
}

// DefaultSteps is the number of steps of fastai's range test.
const DefaultSteps = 100

// Limits of the number of steps: fewer show no curve, and more are a run of their own.
const (
	MinSteps = 20
	MaxSteps = 10_000
)

// Collect adds the invalid fields.
func (r Range) Collect(v *validate.Collector) {
	v.Within("from", r.From, 0, math.MaxFloat64, "must be above 0")
	v.Within("to", r.To, 0, math.MaxFloat64, "must be above 0")
	v.Check(r.To == 0 || r.To > r.From, "to", r.To, fmt.Sprintf("must be above --from %g", r.From))
	v.Check(r.Steps == 0 || r.Steps >= MinSteps && r.Steps <= MaxSteps, "steps", r.Steps, fmt.Sprintf("must be %d to %d", MinSteps, MaxSteps))
}

// LR is the learning rate of a step, from 0 on. It implements [optim.Schedule].
func (r Range) LR(step int64) float64 {
	return r.From * math.Pow(r.To/r.From, float64(step)/float64(max(r.Steps-1, 1)))
}

// Point is a step of a range test.
type Point struct {
	LR       float64 `json:"lr"`
	Loss     float64 `json:"loss"`     // of the step's images
	Smoothed float64 `json:"smoothed"` // exponential moving average of the losses, without the bias of its start
}

// Curve is the result of a range test.
type Curve struct {
	Range
	// Pretrained: the test began with trained weights, which [Curve.Suggest] takes into account, not with initial values.
	Pretrained bool `json:"pretrained"`

	Points   []Point `json:"points"`
	Diverged bool    `json:"diverged"` // the test ended before its last step

	average, best float64
}

const (
	// smoothing is the decay of the average of the losses over 100 steps.
	smoothing = 0.9
	// divergence ends the test when the smoothed loss exceeds its minimum by this factor, as in fastai.
	divergence = 4
)

// Add adds the loss of the next step and reports whether the test should end: the loss is not finite, or a multiple of
// its minimum. A loss that is not finite is not added.
func (c *Curve) Add(loss float64) (diverged bool) {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		c.Diverged = true
		return true
	}
	n := len(c.Points)
	decay := math.Pow(smoothing, 100/float64(max(c.Steps, 1))) // over the same part of the range for any number of steps
	c.average = decay*c.average + (1-decay)*loss
	smoothed := c.average / (1 - math.Pow(decay, float64(n+1)))
	c.Points = append(c.Points, Point{LR: c.LR(int64(n)), Loss: loss, Smoothed: smoothed})
	if n == 0 || smoothed < c.best {
		c.best = smoothed
	}
	c.Diverged = smoothed > divergence*c.best
	return c.Diverged
}

// Tests is the number of range tests, with different seeds, whose mean losses a suggestion follows from. From initial weights
// single tests of MNIST led to rates from 0.36 to 2.5, of which the higher ones train badly, and means of three to 0.39 to 0.75.
// From pretrained weights those of single tests differ by a factor of 1.2 (docs/tuning.md).
func Tests(pretrained bool) int {
	if pretrained {
		return 1
	}
	return 3
}

// Mean returns the curve of the mean losses of several tests at each step, up to the end of the shortest.
func Mean(tests []Curve) Curve {
	c := Curve{Range: tests[0].Range, Pretrained: tests[0].Pretrained}
	diverged := false
	for _, t := range tests {
		diverged = diverged || t.Diverged
	}
	shortest := slices.MinFunc(tests, func(a, b Curve) int { return cmp.Compare(len(a.Points), len(b.Points)) })
	for i := range shortest.Points {
		sum := 0.0
		for _, t := range tests {
			sum += t.Points[i].Loss
		}
		c.Add(sum / float64(len(tests)))
	}
	c.Diverged = diverged
	return c
}
