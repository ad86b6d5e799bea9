package runs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report/page"
)

// TestPruneKeepsOtherFiles: of a run in a folder with a user's files only what runs write is removed.
func TestPruneKeepsOtherFiles(t *testing.T) {
	for _, other := range []string{"thesis.txt", "sub/main.py", "sub/config.yaml", "checkpoints/notes", "tensorboard/events.out.tfevents.1700000000.host.1.0", "checkpoints/sub/step-1.safetensors"} {
		t.Run(other, func(t *testing.T) {
			top := t.TempDir()
			temporary := filepath.Base(atomicfile.TempName("best.safetensors"))
			written := map[string]string{"config.yaml": settings, "events.jsonl": start, "metrics.csv": metrics, "best.safetensors": "best",
				"checkpoints/step-00000003.safetensors": "old", temporary: "part", ".lock": "", "mlflow.json": "{}", "tensorboard/events.out.tfevents.1700000000.depthwise": "x"}
			for _, name := range page.Files {
				written[name] = "part of the report"
			}
			dir := folder(t, filepath.Join(top, "run"), written)
			folder(t, dir, map[string]string{other: "mine"})
			list, _, err := List(top)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := Plan(list, PruneOptions{Now: time.Now(), Unfinished: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := Remove(plan); err != nil {
				t.Fatal(err)
			}
			if text, err := os.ReadFile(filepath.Join(dir, other)); err != nil || string(text) != "mine" {
				t.Errorf("%s: %q, %v", other, text, err)
			}
			for name := range written {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil && name != ".lock" {
					t.Errorf("%s is there", name)
				}
			}
			if list, _, err := List(top); err != nil || len(list) != 0 {
				t.Errorf("%v, %v", list, err)
			}
		})
	}
}
