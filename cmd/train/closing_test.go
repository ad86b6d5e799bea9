package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report/page"
	"depthwise.dev/report/runs"
	"depthwise.dev/train"
)

// TestClosingSummary: the best epoch, the files that exist, and what to do with them.
func TestClosingSummary(t *testing.T) {
	t.Chdir(t.TempDir())
	c := config.Config{Data: "my photos", Epochs: 3}
	for _, f := range []string{"runs/a/best.safetensors", "runs/a/report.html", "runs/a/checkpoints/x", "runs/it's/checkpoints/x"} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		result train.Result
		want   string
	}{
		{"finished", train.Result{Dir: "runs/a", Epochs: 3, Finished: true, Best: train.Best{Epoch: 2, Top1: 0.785}, Image: "my photos/val/cat/1.jpg"}, `Best epoch: 2, val top-1 78.5 %
Results are in runs/a
  weights      runs/a/best.safetensors
  report       runs/a/report.html
  checkpoints  runs/a/checkpoints
Next:
  bin/train eval --weights runs/a --data 'my photos'
  bin/train predict --weights runs/a 'my photos/val/cat/1.jpg'
  bin/train export --weights runs/a --output a.safetensors
`},
		{"out of time, several labels", train.Result{Dir: "runs/it's", Epochs: 2, Best: train.Best{Epoch: 1, Top1: 0.1, MAP: 0.5}}, `Best epoch: 1, val mAP 50.0 %
Results are in 'runs/it'\''s'
  checkpoints  'runs/it'\''s/checkpoints'
Next:
  bin/train resume 'runs/it'\''s'
  bin/train predict --weights 'runs/it'\''s' 'my photos'
`},
		{"without validation", train.Result{Dir: "写真", Epochs: 3, Finished: true, Image: "a\nb.jpg"}, `Results are in 写真
Next:
  bin/train eval --weights 写真 --data 'my photos'
  bin/train predict --weights 写真 IMAGE...
  bin/train export --weights 写真 --output 写真.safetensors
`},
	} {
		var b strings.Builder
		writeSummary(&b, "bin/train", c, test.result)
		if b.String() != test.want {
			t.Errorf("%s:\n%swant\n%s", test.name, &b, test.want)
		}
	}
}

// TestExampleImage: the command of the summary names what there is, and leaves it to the user where the name cannot be copied.
func TestExampleImage(t *testing.T) {
	for _, c := range []struct{ image, data, want string }{
		{"photos/val/a/1.jpg", "photos", "photos/val/a/1.jpg"},
		{"", "shards", "shards"},
		{"", "s3://bucket/train-{00..09}.tar", "'s3://bucket/train-{00..09}.tar'"},
		{"", "https://user:secret@host/a.tar", ""},
		{"a\tb.jpg", "photos", ""},
		{"a\xff.jpg", "photos", ""},
	} {
		if got := exampleImage(train.Result{Image: c.image}, config.Config{Data: c.data}); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.image, c.data, got, c.want)
		}
	}
}

// TestSummaryCommands: the three commands of the summary run as they are.
func TestSummaryCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	images := pictures(t)
	for _, data := range []string{images, testset.MultiLabelList(t, images)} {
		code, _, stderr := execute(t, small(data, "--epochs", "1")...)
		_, next, ok := strings.Cut(stderr, "Next:\n")
		commands := strings.Split(strings.TrimSpace(next), "\n")
		if code != 0 || !ok || len(commands) != 3 {
			t.Fatalf("exit code %d:\n%s", code, stderr)
		}
		for _, command := range commands {
			if code, _, stderr := execute(t, strings.Fields(strings.TrimPrefix(strings.TrimSpace(command), programName(os.Args[0])))...); code != 0 {
				t.Errorf("%s: exit code %d:\n%s", command, code, stderr)
			}
		}
	}
}

// TestCommandsOfPage: the page of a finished run names the same commands as the end of the run, and the one that extends it.
func TestCommandsOfPage(t *testing.T) {
	program := programName(os.Args[0])
	for _, c := range []config.Config{
		{Data: "my photos", Epochs: 3},
		{Data: "x", Epochs: 90, MaxSteps: 7},
		{Data: "x", Time: time.Minute},
		{Data: "labels.csv", Images: "my images", LabelDelimiter: ";", Epochs: 3},
	} {
		want := append(nextSteps(program, c, train.Result{Dir: "r", Epochs: 3, Finished: true, Image: "\n"}), extendCommands(program, "r", c)...)
		if got := commandsOf(page.Data{Dir: "r", State: string(runs.Finished)}, c); !slices.Equal(got, want) {
			t.Errorf("the page has\n%s\nthe run\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestProgramName(t *testing.T) {
	for _, c := range []struct{ name, arg0, want string }{
		{"from PATH", "train", "train"},
		{"relative path", "bin/train", "bin/train"},
		{"in this folder", "./train", "./train"},
		{"absolute path", "/opt/depthwise/train", "/opt/depthwise/train"},
		{"to be quoted", "/home/my user/it's/train", `'/home/my user/it'\''s/train'`},
		{"go run", "/tmp/go-build1234/b001/exe/train", "go run ./cmd/train"},
		{"go run from the cache", "/home/user/.cache/go-build/ab/abcd-d/train", "go run ./cmd/train"},
		{"a name like Go's folder", "./go-build", "./go-build"},
		{"no name", "", "train"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := programName(c.arg0); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestInterruptMessage: the message of an interrupt is not an error.
func TestInterruptMessage(t *testing.T) {
	err := error(interruption{train.Result{Dir: "runs/a", Step: 7}, config.Config{Data: "photos"}, train.ErrInterrupted})
	want := "checkpoint of step 7 written; continue with:\n  " + programName(os.Args[0]) + " resume runs/a"
	if got := interruptMessage(err); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, train.ErrInterrupted) || exitCode(t.Context(), err) != exitInterrupted {
		t.Errorf("%v is not recognized as an interrupt", err)
	}
}
