package report

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// allEvents has one of each type of event.
var allEvents = []Event{Start{}, Step{}, Validation{}, Epoch{}, Checkpoint{}, Skip{}, Note{}, Budget{}, Control{}, Done{}}

// sections splits a Markdown page at its headings; the keys are the headings with their marks.
func sections(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list, heading := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			heading = strings.TrimSpace(line)
		}
		list[heading] += line
	}
	return list
}

// TestEventsAreDocumented checks that docs/runs.md names every event, field and column.
func TestEventsAreDocumented(t *testing.T) {
	page := sections(t, filepath.Join("..", "docs", "runs.md"))
	for _, e := range allEvents {
		t.Run(e.Kind(), func(t *testing.T) {
			section := page["### "+e.Kind()]
			fields := reflect.TypeOf(e)
			for i := range fields.NumField() {
				if name, _, _ := strings.Cut(fields.Field(i).Tag.Get("json"), ","); !strings.Contains(section, "`"+name+"`") {
					t.Errorf("docs/runs.md does not document the field %q of the event %q", name, e.Kind())
				}
			}
		})
	}
	for _, column := range csvColumns {
		if !strings.Contains(page["## metrics.csv"], "`"+column+"`") {
			t.Errorf("docs/runs.md does not document the column %q of metrics.csv", column)
		}
	}
}
