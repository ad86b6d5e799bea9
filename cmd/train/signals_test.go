package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignals: the built program ends with 130 after a checkpoint, and ends with the command that
// continues.
func TestSignals(t *testing.T) {
	binary := builtProgram(t)
	dir := pictures(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			cmd := exec.CommandContext(t.Context(), binary, "--data", dir, "--out", run, "--width", "0.25", "--resolution", "32",
				"--batch-size", "6", "--epochs", "100000", "--progress", "plain")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			if !madeStep(filepath.Join(run, "events.jsonl"), ended) {
				t.Fatalf("ended before its first step:\n%s", &stderr)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			err := <-ended
			if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
				t.Errorf("exit code %d (%v), want %d\n%s", code, err, exitInterrupted, &stderr)
			}
			if last := lastLine(stderr.String()); strings.Contains(stderr.String(), "error") || last != "  "+programName(cmd.Args[0])+" resume "+run {
				t.Errorf("standard error should end with the command that continues and name no error:\n%s", &stderr)
			}
			files, err := filepath.Glob(filepath.Join(run, "checkpoints", "step-*.safetensors"))
			if err != nil || len(files) == 0 {
				t.Errorf("no checkpoint (%v)", err)
			}
			if stdout.Len() != 0 {
				t.Errorf("standard output has %q", &stdout)
			}
		})
	}
}

// madeStep waits until the run has made a step. It returns false where it ended before.
func madeStep(events string, ended <-chan error) bool {
	for {
		if text, err := os.ReadFile(events); err == nil && bytes.Contains(text, []byte(`"event":"step"`)) {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}
