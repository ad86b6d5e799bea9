package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/train"
)

// TestNextSteps: the folder of the run and what to do with it.
func TestNextSteps(t *testing.T) {
	c := config.Config{Data: "my photos", Epochs: 3}
	for _, test := range []struct {
		name   string
		result train.Result
		want   string
	}{
		{"finished", train.Result{Dir: "runs/a", Epochs: 3, Finished: true}, `Results are in runs/a. Next:
  bin/train eval --weights runs/a --data 'my photos'
  bin/train predict --weights runs/a IMAGE...
  bin/train export --weights runs/a --output a.safetensors
  bin/train resume runs/a --extend-epochs N
`},
		{"out of time", train.Result{Dir: "runs/it's", Epochs: 2}, `Results are in 'runs/it'\''s'. Next:
  bin/train resume 'runs/it'\''s'
`},
	} {
		var b strings.Builder
		writeNextSteps(&b, "bin/train", c, test.result)
		if b.String() != test.want {
			t.Errorf("%s:\n%swant\n%s", test.name, &b, test.want)
		}
	}
	var b strings.Builder
	writeNextSteps(&b, "train", config.Config{Data: "x", Epochs: 90, MaxSteps: 7}, train.Result{Dir: "r", Epochs: 1, Step: 7, Finished: true})
	if !strings.Contains(b.String(), "train eval --weights r --data x") {
		t.Errorf("a run of --max-steps is not finished:\n%s", &b)
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
