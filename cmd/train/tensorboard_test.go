package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/report/page"
	"depthwise.dev/report/tensorboard"
)

// TestTensorBoardFlag: the folder is there unless --tensorboard off is given; an unknown value is wrong usage. Trackers
// that the environment asks for in vain do not end a run.
func TestTensorBoardFlag(t *testing.T) {
	data := testset.Images(t, 4, 2)
	for _, c := range []struct {
		name      string
		arguments []string
		address   string // of MLflow
		code      int
		files     int
	}{
		{"default", nil, "", 0, 1},
		{"all", []string{"--tensorboard", "all"}, "", 0, 1},
		{"off", []string{"--tensorboard", "off"}, "", 0, 0},
		{"unknown", []string{"--tensorboard", "scalar"}, "", 2, 0},
		{"mlflow folder", nil, "file:///tmp/mlruns", 0, 1},
		{"mlflow server is down", nil, "http://127.0.0.1:1", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("MLFLOW_TRACKING_URI", c.address)
			dir := filepath.Join(t.TempDir(), "run")
			code, _, stderr := execute(t, append([]string{"--data", data, "--out", dir, "--epochs", "1", "--resolution", "32", "--width", "0.25", "--batch-size", "4"}, c.arguments...)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d:\n%s", code, c.code, stderr)
			}
			list, err := filepath.Glob(filepath.Join(dir, tensorboard.Folder, "events.out.tfevents.*.depthwise"))
			if err != nil || len(list) != c.files {
				t.Errorf("%q, %v, want %d files", list, err, c.files)
			}
			if _, err := os.Stat(filepath.Join(dir, "mlflow.json")); err == nil {
				t.Error("mlflow.json without a server")
			}
		})
	}
}

// TestBoardOfMultiLabelRun: the worst mistakes are there, and no top-5 accuracy, which images with several classes do not have.
func TestBoardOfMultiLabelRun(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	done(t, small(testset.MultiLabelList(t, pictures(t)), "--out", run, "--ema-decay", "0.5", "--tensorboard", "all")...) // one epoch: the best, and the last
	events, err := filepath.Glob(filepath.Join(run, tensorboard.Folder, "events.*"))
	if err != nil || len(events) != 1 {
		t.Fatalf("%q, %v", events, err)
	}
	board := content(t, events[0])
	for tag, want := range map[string]bool{"images/worst_mistakes": true, "val/map": true, "val/top5": false} {
		if strings.Contains(board, tag) != want {
			t.Errorf("%s in the event file of TensorBoard: %v", tag, !want)
		}
	}
}

// TestMistakeLines: the caption of an image.
func TestMistakeLines(t *testing.T) {
	for _, c := range []struct {
		name string
		of   page.Example
		want string
	}{
		{"one class", page.Example{Class: "cat", Predicted: "dog"}, "cat/not dog"},
		{"several", page.Example{MultiLabel: &page.Labels{All: []string{"a", "b", "c"}, Missed: []string{"a", "b"}, Wrong: []string{"d"}}}, "missed a, b/wrong d"},
		{"one too many", page.Example{MultiLabel: &page.Labels{Wrong: []string{"d"}}}, "wrong d"},
	} {
		if got := strings.Join(mistakeLines(c.of), "/"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestBoardDue: pictures and histograms have a limit of time, but not in the epoch with which the run ends.
func TestBoardDue(t *testing.T) {
	began := time.Unix(0, 0)
	for _, c := range []struct {
		name  string
		steps int64
		spent time.Duration
		e     report.Epoch
		want  bool
	}{
		{"within the limit", 100, 400 * time.Millisecond, report.Epoch{Epoch: 1, Epochs: 10, Step: 10}, true},
		{"beyond the limit", 100, 600 * time.Millisecond, report.Epoch{Epoch: 1, Epochs: 10, Step: 10}, false},
		{"the last epoch", 100, time.Second, report.Epoch{Epoch: 10, Epochs: 10, Step: 100}, true},
		{"the end by --max-steps", 75, time.Second, report.Epoch{Epoch: 8, Epochs: 10, Step: 75}, true},
		{"a time limit without a plan", 0, time.Second, report.Epoch{Epoch: 1, Epochs: 0, Step: 10}, false},
	} {
		b := &board{started: began, spent: c.spent, steps: c.steps, now: func() time.Time { return began.Add(100 * time.Second) }}
		if got := b.due(c.e); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
