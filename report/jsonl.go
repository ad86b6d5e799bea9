package report

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// OpenJSONL opens events.jsonl, one event per line. Every line is written immediately. At step 0
// the file is truncated. Otherwise OpenJSONL removes the events of later steps and epochs, the
// events without a step that follow them, and lines that are not complete JSON objects, such as a
// last line truncated by a kill. Changes of the learning rate at the last step are removed too: the
// caller records those that the checkpoint has.
func OpenJSONL(path string, from Position) (Recorder, error) {
	f, err := openLines(path, from.Step == 0, keepEvents(from))
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

// Position is where a resumed run continues: the number of completed steps and of recorded Epoch
// events. An epoch whose validation was interrupted has all of its steps but no Epoch event.
type Position struct {
	Step   int64
	Epochs int
}

// keepEvents keeps the complete events up to last.
func keepEvents(last Position) keepLine {
	beyond := false
	return func(line []byte) bool {
		var event struct {
			Event  string `json:"event"`
			Step   *int64 `json:"step"`
			Epoch  int    `json:"epoch"`
			Action string `json:"action"`
		}
		if !bytes.HasSuffix(line, []byte("\n")) || json.Unmarshal(line, &event) != nil || event.Event == "" {
			return false
		}
		if event.Step == nil {
			return !beyond
		}
		change := event.Event == (Control{}).Kind() && event.Action == ControlLR
		beyond = *event.Step > last.Step || event.Event == (Epoch{}).Kind() && event.Epoch > last.Epochs || change && *event.Step == last.Step
		return !beyond
	}
}
