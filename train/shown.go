package train

import "depthwise.dev/report"

// shown passes events to whoever shows the run, until that fails: a closed terminal or pipe is no reason to end a run
// whose own files are being written.
type shown struct {
	report.Recorder
	gone bool
}

// Record implements [report.Recorder] and never fails.
func (s *shown) Record(e report.Event) error {
	if !s.gone {
		s.gone = s.Recorder.Record(e) != nil
	}
	return nil
}
