package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"depthwise.dev/checkpoints"
)

// PruneOptions say what [Plan] proposes to remove.
type PruneOptions struct {
	// Checkpoints removes the checkpoints of finished runs before the newest undamaged one, from which a run can be extended.
	Checkpoints bool
	// Unfinished removes failed, killed and interrupted runs: their folders, or their files in folders with files of others.
	Unfinished bool
	// OlderThan spares runs that changed more recently. 0: none.
	OlderThan time.Duration
	// Now is the present time.
	Now time.Time
}

// Removal is a file or folder to remove.
type Removal struct {
	Path   string `json:"path"`
	Run    string `json:"run"` // the folder of its run
	Reason string `json:"reason"`
	Bytes  int64  `json:"bytes"`

	changed time.Time // of the run, when the removal was proposed
}

// ErrChanged is returned when a run went on since its removal was proposed.
var ErrChanged = errors.New("the run went on since")

// Plan lists what to remove of runs, without removing it. Running and paused runs, best.safetensors, metrics, events and settings of
// finished runs are kept.
func Plan(list []Run, o PruneOptions) ([]Removal, error) {
	plan := []Removal{} // as JSON [], not null
	for _, r := range list {
		if o.Now.Sub(r.Changed) < o.OlderThan {
			continue
		}
		switch r.State {
		case Running, Paused:
		case Finished:
			if o.Checkpoints {
				old, err := olderCheckpoints(r)
				if err != nil {
					return nil, err
				}
				plan = append(plan, old...)
			}
		default:
			if o.Unfinished {
				whole, err := wholeRun(r)
				if err != nil {
					return nil, err
				}
				plan = append(plan, whole...)
			}
		}
	}
	return plan, nil
}

// olderCheckpoints lists the checkpoints of a run before the newest one that can be read.
func olderCheckpoints(r Run) ([]Removal, error) {
	folder := filepath.Join(r.Dir, checkpoint)
	newest, _, _, err := checkpoints.Store{Dir: folder}.Latest()
	if errors.Is(err, checkpoints.ErrNone) {
		return nil, nil // none, or all are damaged
	}
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("runs: %w", err)
	}
	var list []Removal
	for _, e := range entries { // sorted: the names have the step with leading zeros
		name := e.Name()
		if name == filepath.Base(newest) {
			break
		}
		if !e.Type().IsRegular() || !strings.HasPrefix(name, "step-") || filepath.Ext(name) != ".safetensors" {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("runs: %w", err)
		}
		list = append(list, Removal{filepath.Join(folder, name), r.Dir, "not the newest checkpoint of a finished run", info.Size(), r.Changed})
	}
	return list, nil
}

// Remove removes what [Plan] proposed. Each run is locked meanwhile. One in which a process trains by now is an error, and so
// is one that has gone on since, which returns [ErrChanged]; what follows is kept.
func Remove(plan []Removal) error {
	for len(plan) > 0 {
		n := 1
		for n < len(plan) && plan[n].Run == plan[0].Run {
			n++
		}
		if err := removeOfRun(plan[:n]); err != nil {
			return fmt.Errorf("runs: %w", err)
		}
		plan = plan[n:]
	}
	return nil
}

// removeOfRun removes files of one run.
func removeOfRun(list []Removal) error {
	run := list[0].Run
	release, err := checkpoints.Lock(run)
	if err != nil {
		return err
	}
	defer release()
	info, err := os.Stat(filepath.Join(run, eventsFile))
	if err != nil {
		return err
	}
	if !info.ModTime().Equal(list[0].changed) {
		return fmt.Errorf("%s: %w; nothing of it was removed", run, ErrChanged)
	}
	for _, p := range list {
		if err := os.RemoveAll(p.Path); err != nil {
			return err
		}
	}
	return nil
}
