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
	// Steepest the rate below Edge at which it falls the fastest.
	Minimum  float64 `json:"minimum"`
	Edge     float64 `json:"edge"`
	Steepest float64 `json:"steepest"`
}

// ErrNoSuggestion is returned when the losses do not show which learning rates are suitable.
var ErrNoSuggestion = errors.New("no suggestion")

const (
	// safety divides the highest stable rate. Y. Bengio, arXiv:1206.5533, 3.1.1: the best rate is usually within a factor of
	// two of the largest one that does not diverge, and where it diverges, one tries a third of it. The smoothed loss shows
	// the edge a few steps late.
	safety = 3
	// rise is the part of the first loss by which the smoothed loss rises above its minimum at the edge.
	// Of 0.05 the suggestions for five seeds on 600 photographs differed by a factor of 2.6, of 0.15 by 1.9.
	rise = 0.15
	// skipped is the number of first steps whose average is of few losses.
	skipped = 5
)

// Suggest returns a third of the highest learning rate at which the smoothed loss is still near its minimum. Methods that
// look for the steepest fall, such as fastai's valley, are made for pretrained networks: from initial weights the loss of
// 100 steps hardly falls at any rate, and they return rates that are far too low (docs/tuning.md).
func (c Curve) Suggest() (Suggestion, error) {
	if len(c.Points) <= skipped {
		return Suggestion{}, fmt.Errorf("%w: the loss diverged in the first steps, at a learning rate of %.2g: begin lower with --from", ErrNoSuggestion, c.LR(int64(len(c.Points))))
	}
	lowest := c.lowest()
	edge := c.edge(lowest)
	switch {
	case edge < 0:
		return Suggestion{}, fmt.Errorf("%w: the loss does not rise up to the last learning rate, %.2g: end higher with --to", ErrNoSuggestion, c.To)
	case edge <= skipped+c.Steps/10: // too near to the start to know what is below
		return Suggestion{}, fmt.Errorf("%w: the loss rises from the first learning rates on, %.2g: begin lower with --from", ErrNoSuggestion, c.From)
	}
	s := Suggestion{Method: "a third of the highest stable rate", Minimum: round(c.Points[lowest].LR), Edge: round(c.Points[edge].LR), Steepest: round(c.Points[c.steepest(edge)].LR)}
	s.LR = round(c.Points[edge].LR / safety)
	s.Reason = fmt.Sprintf("a third of %s, above which the smoothed loss rises: from %.3g at the start to its minimum of %.3g at %s, where it falls the fastest at %s",
		format(s.Edge), c.Points[0].Smoothed, c.Points[lowest].Smoothed, format(s.Minimum), format(s.Steepest))
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

// steepest is the step with the largest fall of the smoothed loss, by central differences.
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
