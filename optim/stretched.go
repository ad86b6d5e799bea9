package optim

import "math"

// Stretched follows Main at another pace: after step From, which is step At of Main, the rest of Main's Length
// steps is spread over the steps up to Total. The learning rate does not jump at From, and the last step,
// Total-1, has that of Main's last one. A run whose length is corrected on its way keeps the shape of its
// schedule so.
type Stretched struct {
	Main     Schedule
	Length   int64 // steps of Main
	From, At int64
	Total    int64
}

// LR implements [Schedule].
func (c Stretched) LR(step int64) float64 { return c.Main.LR(c.Position(step)) }

// Position returns the step of Main whose learning rate a step has.
func (c Stretched) Position(step int64) int64 {
	last, to := c.Total-1, c.Length-1
	switch {
	case step >= last:
		return to
	case step <= c.From:
		return min(c.At, to)
	}
	part := float64(step-c.From) / float64(last-c.From)
	return c.At + int64(math.Round(part*float64(to-c.At)))
}

// SpansRun reports whether the shape of a schedule depends on the length of the run.
func SpansRun(s Schedule) bool {
	switch s.(type) {
	case Cosine, OneCycle:
		return true
	}
	return false
}
