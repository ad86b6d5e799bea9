package control

import "fmt"

// describe is the text of an answer.
func describe(a Answer) string {
	switch a.Action {
	case Checkpoint:
		return after(a, "the run writes a checkpoint")
	case Pause:
		return after(a, "the run writes a checkpoint and pauses")
	case Continue:
		return after(a, "the run continues")
	case LR:
		return after(a, "the learning rate changes to %.4g in step %d, and stays %.4g times that of the schedule", a.LR, a.AfterStep+1, a.Factor)
	}
	return ""
}

// after is a text that begins with the step after which it happens.
func after(a Answer, format string, args ...any) string {
	return fmt.Sprintf("after step %d ", a.AfterStep) + fmt.Sprintf(format, args...)
}
