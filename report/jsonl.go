package report

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// OpenJSONL opens events.jsonl, one event a line, each written at once. With resumeStep 0 the file starts empty. Otherwise the events of
// later steps go, as do lines that are not whole JSON objects, such as a last line that was torn by a kill; events without a
// step go with the later steps that they follow.
func OpenJSONL(path string, resumeStep int64) (Recorder, error) {
	f, err := openLines(path, resumeStep == 0, keepEvents(resumeStep))
	if err != nil {
		return nil, err
	}
	return &jsonlRecorder{path: path, f: f}, nil
}

type jsonlRecorder struct {
	path string
	f    lineFile
}

func (r *jsonlRecorder) Record(e Event) error {
	if e.Kind() == (Validation{}).Kind() {
		return nil
	}
	line, err := jsonLine(e)
	if err != nil {
		return err
	}
	if err := appendLine(r.f, line); err != nil {
		return fmt.Errorf("report: %s: %w", r.path, err)
	}
	return nil
}

func (r *jsonlRecorder) Close() error {
	if err := r.f.Close(); err != nil {
		return fmt.Errorf("report: %s: %w", r.path, err)
	}
	return nil
}

// keepEvents keeps whole events of steps up to last.
func keepEvents(last int64) keepLine {
	beyond := false
	return func(line []byte) bool {
		var event struct {
			Event string `json:"event"`
			Step  *int64 `json:"step"`
		}
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &event) != nil || event.Event == "" {
			return false
		}
		if event.Step == nil {
			return !beyond
		}
		beyond = *event.Step > last
		return !beyond
	}
}
