package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"depthwise.dev/report"
	"depthwise.dev/report/mlflow"
)

// Tests must not write to the server of the user who runs them.
func init() { os.Unsetenv(mlflow.EnvironmentURI) }

// fakeTracker fails where it is told to.
type fakeTracker struct {
	failStart, failRecord bool
	calls                 []string
}

func (f *fakeTracker) name() string { return "Fake" }
func (f *fakeTracker) start(dir string, _ report.Start) error {
	f.calls = append(f.calls, "start "+dir)
	return f.fail(f.failStart)
}
func (f *fakeTracker) Record(e report.Event) error {
	f.calls = append(f.calls, e.Kind())
	return f.fail(f.failRecord)
}
func (f *fakeTracker) end(error) error { f.calls = append(f.calls, "end"); return nil }
func (f *fakeTracker) Close() error    { f.calls = append(f.calls, "close"); return nil }
func (f *fakeTracker) fail(yes bool) error {
	if yes {
		return errors.New("the disk is full")
	}
	return nil
}

// progressLog is a progress that ends after some events.
type progressLog struct {
	lines []string
	limit int
}

func (p *progressLog) Record(e report.Event) error {
	if len(p.lines) == p.limit {
		return errors.New("closed")
	}
	line := e.Kind()
	if n, ok := e.(report.Note); ok {
		line += " " + n.Text
	}
	p.lines = append(p.lines, line)
	return nil
}
func (p *progressLog) Close() error { return nil }

// TestTracking: trackers get each event, also after the progress has failed; a tracker that fails is a warning, once.
func TestTracking(t *testing.T) {
	const warning = "note Fake: the disk is full; the run itself is not affected"
	for name, c := range map[string]struct {
		tracker         fakeTracker
		limit           int
		progress, calls string
	}{
		"good":            {fakeTracker{}, 9, "start step step", "start a b step step end close"},
		"closed terminal": {fakeTracker{}, 1, "start", "start a b step step end close"},
		"fails":           {fakeTracker{failRecord: true}, 9, "start step " + warning + " step", "start a b step step end close"},
		"does not start":  {fakeTracker{failStart: true}, 9, "start " + warning + " step step", "start a b"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &progressLog{limit: c.limit}
			f := &c.tracker
			tr := &tracking{progress: p, list: []*tracked{{tracker: f}}}
			for _, e := range []report.Event{report.Start{Run: "a b"}, report.Step{}, report.Step{}} {
				if err := tr.Record(e); err != nil {
					t.Error(err)
				}
			}
			tr.finish(nil)
			if got := strings.Join(p.lines, " "); got != c.progress {
				t.Errorf("progress %q, want %q", got, c.progress)
			}
			if got := strings.Join(f.calls, " "); got != c.calls {
				t.Errorf("calls %q, want %q", got, c.calls)
			}
		})
	}
}
