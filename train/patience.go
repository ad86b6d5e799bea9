package train

import (
	"fmt"
	"math"

	"depthwise.dev/config"
	"depthwise.dev/report"
)

// patience is the state of early stopping: Keras' EarlyStopping, Ultralytics' patience.
type patience struct {
	Best   float64 `json:"best"`   // meaningless while Epoch is 0
	Epoch  int     `json:"epoch"`  // that had Best, from 1; 0: none yet
	Waited int     `json:"waited"` // epochs without improvement
}

// observe takes the value of an epoch, NaN if it has none. Only a change of more than minDelta is an improvement.
func (p *patience) observe(value float64, epoch int, maximize bool, minDelta float64) {
	better := value - p.Best
	if !maximize {
		better = -better
	}
	if !math.IsNaN(value) && (p.Epoch == 0 || better > minDelta) {
		*p = patience{Best: value, Epoch: epoch}
		return
	}
	p.Waited++
}

// observePatience ends the run if Monitor has not improved for Patience epochs.
func (r *run) observePatience(value float64) error {
	c := r.config
	if c.Patience == 0 {
		return nil
	}
	if r.Patience == nil {
		r.Patience = &patience{}
	}
	p := r.Patience
	p.observe(value, r.Epoch, c.Monitor == config.MonitorTop1, c.MinDelta)
	if p.Waited < c.Patience || r.Step >= r.totalSteps || r.config.Epochs > 0 && r.Epoch >= r.config.Epochs {
		return nil
	}
	r.Stopped = fmt.Sprintf("%s has not improved for %d epochs", r.describeMonitor(), p.Waited)
	if p.Epoch > 0 {
		r.Stopped += fmt.Sprintf(", since epoch %d", p.Epoch)
	}
	return r.note(report.Info, fmt.Sprintf("stopped early after epoch %d: %s (--patience %d)", r.Epoch, r.Stopped, c.Patience))
}

// resumePatience lets an extended run wait anew.
func (r *run) resumePatience() {
	r.Stopped = ""
	if r.Patience != nil {
		r.Patience.Waited = 0
	}
}
