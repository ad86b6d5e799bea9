package train

import "depthwise.dev/report"

// display forwards events to the recorder that displays the run, until it fails: a closed terminal
// or pipe does not end a run that writes its own files.
type display struct {
	report.Recorder
	failed bool
}

// Record implements [report.Recorder] and never fails.
func (s *display) Record(e report.Event) error {
	if !s.failed {
		s.failed = s.Recorder.Record(e) != nil
	}
	return nil
}
