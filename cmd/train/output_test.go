package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTrainingOutput: training writes to standard error only, in the form that --progress selects.
func TestTrainingOutput(t *testing.T) {
	dir := pictures(t)
	for _, c := range []struct {
		progress string
		check    func(t *testing.T, run, stderr string)
	}{
		{"none", func(t *testing.T, _, stderr string) {
			if stderr != "" {
				t.Errorf("standard error has %q", stderr)
			}
		}},
		{"json", func(t *testing.T, _, stderr string) {
			for line := range strings.Lines(stderr) {
				if !json.Valid([]byte(line)) {
					t.Errorf("not JSON: %q", line)
				}
			}
		}},
		{"plain", func(t *testing.T, run, stderr string) {
			want := "Next:\n  " + programName(os.Args[0]) + " eval --weights " + run + " --data " + dir + "\n"
			if !strings.Contains(stderr, want) || !strings.HasSuffix(stderr, "run.safetensors\n") {
				t.Errorf("standard error does not end with the next steps:\n%s", stderr)
			}
		}},
		{"bar", func(t *testing.T, _, stderr string) { // of a buffer, which is no terminal
			if strings.ContainsAny(stderr, "\r\x1b") || !strings.Contains(stderr, "finished after 1 epoch") {
				t.Errorf("not plain lines: %q", stderr)
			}
		}},
	} {
		t.Run(c.progress, func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			code, stdout, stderr := execute(t, "--data", dir, "--out", run, "--width", "0.25", "--resolution", "32",
				"--epochs", "1", "--batch-size", "6", "--max-steps", "1", "--progress", c.progress)
			if code != exitDone || stdout != "" {
				t.Fatalf("exit code %d, standard output %q\n%s", code, stdout, stderr)
			}
			c.check(t, run, stderr)
		})
	}
}

// TestMessages: commands that write files have no result for standard output; what they did is a
// message.
func TestMessages(t *testing.T) {
	dir, out := pictures(t), t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"shards", []string{"data", "shard", dir, filepath.Join(out, "shards")}, "Train on them: train --data " + filepath.Join(out, "shards") + "\n"},
		{"manual pages", []string{"docs", "man", filepath.Join(out, "man")}, "manual pages to " + filepath.Join(out, "man") + "\n"},
	} {
		code, stdout, stderr := execute(t, c.args...)
		if code != exitDone || stdout != "" || !strings.HasSuffix(stderr, c.want) {
			t.Errorf("%s: exit code %d, standard output %q, standard error %q; want %q", c.name, code, stdout, stderr, c.want)
		}
	}
}
