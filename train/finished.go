package train

import (
	"encoding/json"
	"fmt"

	"depthwise.dev/report"
)

// finished reports whether the checkpoint is that of a finished run.
func (r *run) finished() bool {
	if r.folder.resume == nil {
		return false
	}
	var p progress
	if err := json.Unmarshal([]byte(r.folder.resume.Meta[metaProgress]), &p); err != nil || !p.Done {
		return false
	}
	r.progress = p
	return true
}

// alreadyFinished ends a run that was finished before: with how it went, or with why it cannot be continued as
// configured.
func (r *run) alreadyFinished(rec report.Recorder) error {
	f := r.folder
	if r.config.Resume != "auto" {
		f.discardNew()
		return fmt.Errorf("train: resume from %s: its run is finished: nothing is left to train; resume from an earlier checkpoint, extend it with train resume and --extend-epochs N, or start a new run", f.from)
	}
	if err := r.sameSettings(*f.resume); err != nil {
		return fmt.Errorf("train: %s: the run is finished, and %w", f.dir, err)
	}
	return rec.Record(report.Note{Level: report.Info, Text: r.describeEnd()})
}

// describeEnd says that the run is finished, how well it did, and how to go on.
func (r *run) describeEnd() string {
	text := fmt.Sprintf("%s: the run is finished after %d epochs (step %d)", r.folder.dir, r.Epoch, r.Step)
	if r.Best.Step > 0 && r.multiLabel() {
		text += fmt.Sprintf(", best val mAP %.1f %% in epoch %d", 100*r.Best.MAP, r.Best.Epoch)
	} else if r.Best.Step > 0 {
		text += fmt.Sprintf(", best val top-1 %.1f %% in epoch %d", 100*r.Best.Top1, r.Best.Epoch)
	}
	if r.Stopped != "" {
		text += "; it ended early: " + r.Stopped
	}
	text += "; nothing to do"
	if r.config.MaxSteps > 0 || r.config.Time > 0 {
		return text // more epochs may not change it
	}
	return text + "; train resume with --extend-epochs N makes it longer"
}
