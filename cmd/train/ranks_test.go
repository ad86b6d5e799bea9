package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwoProcesses: two processes with dropout that stop and are resumed end with the bytes of two that do not, and the files of the
// run are those of one process.
func TestTwoProcesses(t *testing.T) {
	data := pictures(t)
	t.Chdir(t.TempDir())
	train := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := execute(t, args...)
		if code != exitDone || stdout != "" {
			t.Fatalf("%q: exit code %d, output %q, errors:\n%s", args, code, stdout, stderr)
		}
		return stderr
	}
	common := []string{"--data", data, "--nproc", "2", "--arch", "mobilenet_v2", "--width", "0.35", "--resolution", "40", "--epochs", "6", "--batch-size", "3", "--workers", "1",
		"--progress", "plain", "--seed", "4"}
	shown := train(append(common, "--out", "whole")...)
	for _, want := range []string{"2 ranks: a batch has 6 images in all, 3 on each rank", "whole: 18 images, 6 to validate; 6 epochs of 3 batches", "Best epoch: "} {
		if strings.Count(shown, want) != 1 {
			t.Errorf("%q is not shown once:\n%s", want, shown)
		}
	}
	train(append(common, "--out", "parts", "--stop-after", "1ms")...) // before the first step
	train("resume", "parts", "--nproc", "2", "--stop-after", "300ms")
	train("resume", "parts", "--nproc", "2", "--stop-after", "0s")
	for _, name := range []string{"best.safetensors", "checkpoints/step-00000018.safetensors", "config.yaml", "report.html"} {
		whole, err := os.ReadFile(filepath.Join("whole", name))
		if err != nil {
			t.Error(err)
		}
		parts, err := os.ReadFile(filepath.Join("parts", name))
		if err != nil || strings.HasSuffix(name, ".safetensors") && !bytes.Equal(whole, parts) {
			t.Errorf("%s is another file after a resume, error %v", name, err)
		}
	}
}
