package tune

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Suggestion is a learning rate with the method and the facts that it follows from.
type Suggestion struct {
	LR     float64 `json:"lr"`
	Method string  `json:"method"`
	Reason string  `json:"reason"`
	// Minimum is the rate at the minimum of the smoothed loss, Edge the highest rate before the loss rises above it, and
	// Steepest the rate below Minimum at which it falls the fastest.
	Minimum  float64 `json:"minimum"`
	Edge     float64 `json:"edge"`
	Steepest float64 `json:"steepest"`
}

// ErrNoSuggestion is returned when the losses do not show which learning rates are suitable.
var ErrNoSuggestion = errors.New("no suggestion")

const (
	// rise is the part of the first loss by which the smoothed loss rises above its minimum at the edge.
	// Of 0.05 the suggestions for five seeds on 600 photographs differed by a factor of 2.6, of 0.15 by 1.9.
	rise = 0.15
	// skipped is the number of first steps whose average is of few losses.
	skipped = 5
)

// rule is which part of the highest stable rate is suggested, and why.
type rule struct {
	part    string
	divisor float64
	why     string
}

var (
	// Y. Bengio, arXiv:1206.5533, 3.1.1: the best rate is usually within a factor of two of the largest one that does not
	// diverge, and where it diverges, one tries a third of it. The smoothed loss shows the edge a few steps late.
	fromInitial = rule{part: "a third", divisor: 3, why: "since the run starts from initial weights"}
	// Fine-tuning should leave the weights near where they are, and a stable rate may move them far. An order of magnitude
	// below the limit is the rule of fastai (J. Howard and S. Gugger, Deep Learning for Coders, chapter 5), of the edge here: it varies
	// less from seed to seed than the minimum of a loss that is flat there (docs/tuning.md).
	fromPretrained = rule{part: "a tenth", divisor: 10, why: "since a higher rate may lose what the pretrained weights have learned"}
)

func (c Curve) rule() rule {
	if c.Pretrained {
		return fromPretrained
	}
	return fromInitial
}

// Suggest returns a part of the highest learning rate at which the smoothed loss is still near its minimum: a third, and of a test
// from pretrained weights a tenth. Methods that look for the steepest fall, such as fastai's valley, need a loss that falls: from
// initial weights that of 100 steps hardly does at any rate, and they return rates that are far too low (docs/tuning.md).
func (c Curve) Suggest() (Suggestion, error) {
	if len(c.Points) <= skipped {
		return Suggestion{}, fmt.Errorf("%w: the loss diverged in the first steps, at a learning rate of %.2g: begin lower with --from", ErrNoSuggestion, c.LR(int64(len(c.Points))))
	}
	lowest := c.lowest()
	edge := c.edge(lowest)
	rule := c.rule()
	switch {
	case edge < 0:
		return Suggestion{}, fmt.Errorf("%w: the loss does not rise up to the last learning rate, %.2g: end higher with --to", ErrNoSuggestion, c.To)
	case edge <= skipped+c.Steps/10 || c.Points[edge].LR/rule.divisor < c.From: // too near to the start to know what is below
		return Suggestion{}, fmt.Errorf("%w: the loss rises from a learning rate of %s on, and the first one, %.2g, is too near for %s of it: begin lower with --from", ErrNoSuggestion, format(c.Points[edge].LR), c.From, rule.part)
	}
	s := Suggestion{Method: rule.part + " of the highest stable rate", LR: round(c.Points[edge].LR / rule.divisor),
		Minimum: round(c.Points[lowest].LR), Edge: round(c.Points[edge].LR), Steepest: round(c.Points[c.steepest(lowest)].LR)}
	s.Reason = fmt.Sprintf("%s of %s, above which the smoothed loss rises, %s; the loss falls from %.3g at the start to %.3g at %s, the fastest at %s",
		rule.part, format(s.Edge), rule.why, c.Points[0].Smoothed, c.Points[lowest].Smoothed, format(s.Minimum), format(s.Steepest))
	return s, nil
}

// lowest is the step with the minimum of the smoothed loss.
func (c Curve) lowest() int {
	at := skipped
	for i := skipped; i < len(c.Points); i++ {
		if c.Points[i].Smoothed < c.Points[at].Smoothed {
			at = i
		}
	}
	return at
}

// edge is the last step before the smoothed loss rises above its minimum for the first time after it; -1: it does not.
func (c Curve) edge(lowest int) int {
	limit := c.Points[lowest].Smoothed + rise*c.Points[0].Smoothed
	for i := lowest + 1; i < len(c.Points); i++ {
		if c.Points[i].Smoothed > limit {
			return i - 1
		}
	}
	if c.Diverged { // to an infinite loss or NaN
		return len(c.Points) - 1
	}
	return -1
}

// steepest is the step before another one with the largest fall of the smoothed loss, by central differences.
func (c Curve) steepest(before int) int {
	best, at := math.Inf(1), skipped
	for i := skipped; i < before; i++ {
		if slope := c.Points[i+1].Smoothed - c.Points[i-1].Smoothed; slope < best {
			best, at = slope, i
		}
	}
	return at
}

// round rounds to two significant digits: the curve shows no more.
func round(x float64) float64 {
	rounded, err := strconv.ParseFloat(format(x), 64)
	if err != nil {
		return x
	}
	return rounded
}

func format(x float64) string { return strconv.FormatFloat(x, 'g', 2, 64) }
