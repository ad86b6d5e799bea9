package report

import "fmt"

// Control is what a run did after Step steps because it was requested, such as from its live page.
type Control struct {
	Step     int64   `json:"step"`
	Action   string  `json:"action"`              // one of those of package train/control
	LRFactor float64 `json:"lr_factor,omitempty"` // of a change of the learning rate: multiplies that of the schedule from the next step on
	LR       float64 `json:"lr,omitempty"`        // of the next step
	LRBefore float64 `json:"lr_before,omitempty"` // of the next step without the change
	Seconds  float64 `json:"seconds,omitempty"`   // of the end of a pause: how long it was. No other time of the run includes it
}

// Actions of a Control that readers of events tell apart.
const (
	ControlLR       = "lr"
	ControlPause    = "pause"
	ControlContinue = "continue"
)

// Kind is "control".
func (Control) Kind() string { return "control" }

// Text describes the event in one line.
func (c Control) Text() string {
	text := fmt.Sprintf("step %d: ", c.Step)
	switch c.Action {
	case ControlLR:
		return text + fmt.Sprintf("learning rate changed on request from %.4g to %.4g: %.4g times that of the schedule from the next step on", c.LRBefore, c.LR, c.LRFactor)
	case ControlPause:
		return text + "paused on request"
	case ControlContinue:
		return text + fmt.Sprintf("continued after a pause of %s", clock(seconds(c.Seconds)))
	}
	return text + c.Action + " requested"
}
