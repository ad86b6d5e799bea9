package train

import (
	"errors"
	"testing"

	"depthwise.dev/report"
)

// A recorder that fails is called once, and the run gets no error.
func TestDisplaySurvivesItsWriter(t *testing.T) {
	broken := &brokenRecorder{}
	s := &display{Recorder: broken}
	for range 3 {
		if err := s.Record(report.Note{Text: "going on"}); err != nil {
			t.Errorf("error %v, want none", err)
		}
	}
	if broken.asked != 1 {
		t.Errorf("asked %d times, want once", broken.asked)
	}
}

type brokenRecorder struct{ asked int }

func (b *brokenRecorder) Record(report.Event) error {
	b.asked++
	return errors.New("broken pipe")
}

func (*brokenRecorder) Close() error { return nil }
