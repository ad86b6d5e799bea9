package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
)

// runFolders writes a finished and a failed run, and returns the folder of both.
func runFolders(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	for name, done := range map[string]string{"good": `"status":"finished"`, "bad": `"status":"failed","error":"out of disk"`} {
		dir := filepath.Join(top, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"config.yaml": "data: photos\narch: mobilenet_v1\nwidth: 1\nresolution: 224\nepochs: 2\nlr: 0." + map[string]string{"good": "1", "bad": "2"}[name] + "\n",
			"events.jsonl": `{"event":"done","step":4,` + done + "}\n", "metrics.csv": "epoch,val_top1,best\n1,0.25,1\n2,0.5,1\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []int64{2, 4} {
			if _, err := (checkpoints.Store{Dir: filepath.Join(dir, "checkpoints")}).Save(step, checkpoints.File{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return top
}

func TestRuns(t *testing.T) {
	top := runFolders(t)
	code, stdout, stderr := execute(t, "runs", top)
	for _, want := range []string{"run ", "good", "finished", "2/2", "50.00 % (2)", "mobilenet_v1 1 224", "photos", "bad failed: out of disk"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the list lacks %q:\n%s", want, stdout)
		}
	}
	if code != exitDone || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	code, stdout, _ = execute(t, "runs", top, "--json")
	var list []map[string]any
	if err := json.Unmarshal([]byte(stdout), &list); code != exitDone || err != nil || len(list) != 2 {
		t.Errorf("exit code %d, %v: %s", code, err, stdout)
	}
	if code, stdout, _ = execute(t, "runs", t.TempDir(), "--json"); code != exitDone || stdout != "[]\n" {
		t.Errorf("no runs: %d, %q", code, stdout)
	}
	if code, _, stderr = execute(t, "runs", filepath.Join(top, "none")); code != exitFailed || !strings.Contains(stderr, "none") {
		t.Errorf("no folder: %d, %q", code, stderr)
	}
}

func TestRunsDiff(t *testing.T) {
	top := runFolders(t)
	code, stdout, _ := execute(t, "runs", "diff", filepath.Join(top, "good"), filepath.Join(top, "bad"))
	if code != exitDone || !strings.Contains(stdout, "\nlr ") || !strings.Contains(stdout, "0.1") || !strings.Contains(stdout, "0.2") || strings.Contains(stdout, "\nwidth") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	if code, _, stderr := execute(t, "runs", "diff", top); code != exitUsage || !strings.Contains(stderr, "two runs, got 1") {
		t.Errorf("one run: %d, %q", code, stderr)
	}
}

func TestRunsPrune(t *testing.T) {
	top := runFolders(t)
	old := filepath.Join(top, "good", "checkpoints", "step-00000002.safetensors")
	if code, _, stderr := execute(t, "runs", "prune", top); code != exitUsage || !strings.Contains(stderr, "--checkpoints") {
		t.Errorf("without a choice: %d, %q", code, stderr)
	}
	code, stdout, _ := execute(t, "runs", "prune", top, "--checkpoints")
	if _, err := os.Stat(old); code != exitDone || err != nil || !strings.Contains(stdout, old) || !strings.Contains(stdout, "--remove") {
		t.Errorf("listed: %d, %v:\n%s", code, err, stdout)
	}
	code, stdout, _ = execute(t, "runs", "prune", top, "--checkpoints", "--unfinished", "--remove")
	if _, err := os.Stat(old); code != exitDone || !os.IsNotExist(err) || !strings.Contains(stdout, "removed") {
		t.Errorf("removed: %d, %v:\n%s", code, err, stdout)
	}
	if _, err := os.Stat(filepath.Join(top, "bad")); !os.IsNotExist(err) {
		t.Errorf("the failed run: %v", err)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "now", 59 * time.Second: "now", time.Minute: "1 minute ago", 3 * time.Hour: "3 hours ago", 49 * time.Hour: "2 days ago"} {
		if got := age(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
