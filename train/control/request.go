package control

import (
	"errors"
	"fmt"
	"math"
)

// The actions that can be requested.
const (
	Checkpoint = "checkpoint" // write a checkpoint
	Stop       = "stop"       // write a checkpoint and end, as an interrupted run
	Pause      = "pause"      // write a checkpoint and wait
	Continue   = "continue"   // end the pause
	LR         = "lr"         // change the learning rate
)

// Actions lists all actions.
var Actions = []string{Checkpoint, Stop, Pause, Continue, LR}

// Request asks a run for an action. For LR exactly one of Factor and Rate is set; for the others neither.
type Request struct {
	Action string
	Factor *float64 // multiplies the learning rate from the next step on
	Rate   *float64 // the learning rate of the next step; later ones change with the schedule in proportion
}

// Answer describes what the run will do.
type Answer struct {
	Action    string  `json:"action"`
	AfterStep int64   `json:"after_step"`       // the number of completed steps when it happens
	Factor    float64 `json:"factor,omitempty"` // of a change: what the schedule's learning rate is multiplied by, all changes together
	LR        float64 `json:"lr,omitempty"`     // of a change: the learning rate of the step after AfterStep
	Text      string  `json:"text"`
}

// Errors of requests. Their texts say what to do.
var (
	ErrValue   = errors.New("not a possible value")
	ErrNow     = errors.New("not possible now")
	ErrTooMany = errors.New("too many requests")
)

// refused is one of the errors above with a text of its own.
type refused struct {
	text string
	kind error
}

func (e refused) Error() string { return e.text }
func (e refused) Unwrap() error { return e.kind }

func refuse(kind error, format string, args ...any) error {
	return refused{fmt.Sprintf(format, args...), kind}
}

// check finds values that no run accepts.
func (q Request) check() error {
	if q.Action != LR {
		if q.Factor != nil || q.Rate != nil {
			return refuse(ErrValue, `%s takes no values; "factor" and "lr" are those of a change of the learning rate`, q.Action)
		}
		return nil
	}
	if (q.Factor == nil) == (q.Rate == nil) {
		return refuse(ErrValue, `a change of the learning rate needs either "factor", such as {"factor": 0.5}, or "lr", such as {"lr": 0.01}`)
	}
	name, value := "factor", q.Factor
	if q.Rate != nil {
		name, value = "lr", q.Rate
	}
	if !positive(*value) {
		return refuse(ErrValue, "%s is %v and must be above 0 and finite", name, *value)
	}
	return nil
}

// positive reports whether a number is above 0 and finite.
func positive(x float64) bool { return x > 0 && !math.IsInf(x, 1) }

// Apply returns the factor of the learning rate after a change, from the factor before it and the rate that the schedule gives.
func (q Request) Apply(factor, scheduled float64) (float64, error) {
	if q.Rate != nil && scheduled == 0 {
		return 0, refuse(ErrNow, "the schedule's learning rate is 0 here, and no factor makes it %v: change the rate at another step", *q.Rate)
	}
	next := factor
	if q.Rate != nil {
		next = exactly(*q.Rate, scheduled)
	} else {
		next *= *q.Factor
	}
	if !positive(next) || scheduled > 0 && !positive(next*scheduled) {
		return 0, refuse(ErrValue, "the learning rate would be %v times the schedule's %v, which is not above 0 and finite; give a value nearer to 1", next, scheduled)
	}
	return next, nil
}

// exactly returns the factor rate/scheduled, rounded so that factor*scheduled is exactly rate if a neighboring float64 allows it.
func exactly(rate, scheduled float64) float64 {
	factor := rate / scheduled
	for _, f := range []float64{factor, math.Nextafter(factor, 0), math.Nextafter(factor, math.Inf(1))} {
		if f*scheduled == rate {
			return f
		}
	}
	return factor
}
