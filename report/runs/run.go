package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/checkpoints"
	"depthwise.dev/report"
)

// Files of a run's folder.
const (
	configFile  = "config.yaml"
	eventsFile  = "events.jsonl"
	metricsFile = "metrics.csv"
	checkpoint  = "checkpoints"
)

// State says whether a run is going on, and how it ended.
type State string

// The states.
const (
	Running     State = "running"     // a process trains in the folder
	Paused      State = "paused"      // likewise, and it waits for the request to continue
	Finished    State = "finished"    // all epochs
	Interrupted State = "interrupted" // stopped after a checkpoint, by a signal or --stop-after
	Failed      State = "failed"      // ended with an error
	Killed      State = "killed"      // ended without a word: SIGKILL, a crash or a power cut
)

// ErrNoRun is returned for a folder that does not hold a run.
var ErrNoRun = errors.New("not the folder of a run")

// Alive reports whether a process has the folder of the run.
func (s State) Alive() bool { return s == Running || s == Paused }

// Run describes a run's folder. Accuracies are fractions.
type Run struct {
	Dir       string    `json:"dir"`
	State     State     `json:"state"`
	Error     string    `json:"error,omitempty"` // of a failed run
	Network   string    `json:"network"`         // architecture, variant, width and resolution
	Data      string    `json:"data"`
	Epochs    int       `json:"epochs"`             // of the whole run
	Completed int       `json:"completed"`          // epochs
	Step      int64     `json:"step"`               // the last one that was recorded
	BestTop1  float64   `json:"best_top1"`          // best validation accuracy; 0 without validation
	BestMAP   float64   `json:"best_map,omitempty"` // of multi-label data: the best mean average precision, and BestTop1 the exact matches of that epoch
	BestEpoch int       `json:"best_epoch"`         // 0 without validation
	Changed   time.Time `json:"changed"`            // when its events were last written
	Bytes     int64     `json:"bytes"`              // of all files
	Settings  Settings  `json:"-"`
}

// Settings are those of a config.yaml, by their keys.
type Settings map[string]any

// text is a setting as it is written.
func (s Settings) text(key string) string {
	if s[key] == nil {
		return ""
	}
	return fmt.Sprint(s[key])
}

// Open reads the folder of a run. It returns [ErrNoRun] where the folder lacks config.yaml or events.jsonl.
func Open(dir string) (Run, error) {
	r := Run{Dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return r, notRun(dir, err)
	}
	if err := yaml.Unmarshal(text, &r.Settings); err != nil {
		return r, fmt.Errorf("runs: %s: %w", filepath.Join(dir, configFile), err)
	}
	r.describe()
	info, err := os.Stat(filepath.Join(dir, eventsFile))
	if err != nil {
		return r, notRun(dir, err)
	}
	r.Changed = info.ModTime()
	if err := r.readMetrics(); err != nil {
		return r, fmt.Errorf("runs: %s: %w", dir, err)
	}
	if err := r.readState(); err != nil {
		return r, fmt.Errorf("runs: %s: %w", dir, err)
	}
	r.Bytes, err = folderSize(dir)
	if err != nil {
		return r, fmt.Errorf("runs: %w", err)
	}
	return r, nil
}

func notRun(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return fmt.Errorf("runs: %s: %w: %w", dir, ErrNoRun, err)
	}
	return fmt.Errorf("runs: %w", err)
}

// describe takes over the settings that a list shows.
func (r *Run) describe() {
	s := r.Settings
	r.Data = s.text("data")
	r.Epochs, _ = s["epochs"].(int)
	parts := []string{s.text("arch")}
	if variant := s.text("variant"); variant != "" {
		parts = append(parts, variant)
	}
	parts = append(parts, s.text("width"), s.text("resolution"))
	r.Network = strings.Join(parts, " ")
}

// takeAverage takes over the best result at the end of a run where it is better than that of all rows of metrics.csv: it is
// then that of the average of the last epochs (--swa-epochs), which is validated after the last one.
func (r *Run) takeAverage(top1, mAP float64) {
	better := top1 > r.BestTop1
	if mAP > 0 || r.BestMAP > 0 {
		better = mAP > r.BestMAP
	}
	if better {
		r.BestTop1, r.BestMAP, r.BestEpoch = top1, mAP, r.Completed
	}
}

// readState takes the state from the lock and the last event, in this order: a run that ends between the two would be taken
// for a killed one in the other.
func (r *Run) readState() error {
	locked, err := checkpoints.Locked(r.Dir)
	if err != nil {
		return err
	}
	last, err := lastEvents(filepath.Join(r.Dir, eventsFile))
	if err != nil {
		return err
	}
	r.State = Killed
	paused := false
	for _, line := range last {
		var e struct {
			Event    string
			Step     int64
			Status   string
			Action   string
			Error    string
			BestTop1 float64 `json:"best_top1"`
			BestMAP  float64 `json:"best_map"`
		}
		if json.Unmarshal(line, &e) != nil {
			continue // torn by a kill
		}
		r.Step = max(r.Step, e.Step)
		r.State, r.Error = Killed, ""
		paused = pausedAfter(paused, e.Event, e.Action)
		if e.Event == (report.Done{}).Kind() {
			r.Error = e.Error
			r.takeAverage(e.BestTop1, e.BestMAP)
			switch e.Status {
			case report.Finished:
				r.State = Finished
			case report.Interrupted:
				r.State = Interrupted
			case report.Failed:
				r.State = Failed
			}
		}
	}
	switch {
	case locked && paused:
		r.State = Paused
	case locked:
		r.State = Running
	}
	return nil
}

// pausedAfter reports whether a run is paused after an event.
func pausedAfter(paused bool, event, action string) bool {
	switch event {
	case (report.Control{}).Kind():
		if action == report.ControlPause || action == report.ControlContinue {
			return action == report.ControlPause
		}
	case (report.Start{}).Kind(), (report.Step{}).Kind(), (report.Epoch{}).Kind(), (report.Done{}).Kind():
		return false
	}
	return paused
}
