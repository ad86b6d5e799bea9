package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWrongLossFlags: exit code 2, and a last line that suggests what was meant.
func TestWrongLossFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--loss ce", "did you mean cross_entropy?"},
		{"--loss focal_loss", "did you mean focal?"},
		{"--focal-gamma 1", "--focal-gamma has no effect with --loss auto: omit it, or use --loss focal"},
		{"--loss focal --focal-gamma -1", "--focal-gamma -1: must be at least 0"},
		{"--criterion focal", "did you mean --loss?"},
		{"--class-weight balanced", "use --class-weights balanced"},
		{"--class-weights balance", "did you mean balanced?"},
		{"--class-weights weights.xlsx", "or a file that ends in .csv"},
		{"--sampler WeightedRandomSampler", "did you mean balanced?"},
		{"--balanced-sampler", "use --sampler balanced"},
		{"--sampler balanced --class-weights balanced", "--class-weights \"balanced\": corrects the numbers of images a second time"},
	} {
		code, stdout, stderr := execute(t, append([]string{"--data", "x"}, strings.Fields(c.args)...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
			t.Errorf("%s: code %d, %s", c.args, code, stderr)
		}
	}
}

// TestImbalanceAdvice: the options that train data check names for classes of different sizes train.
func TestImbalanceAdvice(t *testing.T) {
	dir := pictures(t)
	list, err := filepath.Glob(filepath.Join(dir, "train", "red", "*"))
	if err != nil || len(list) < 2 {
		t.Fatalf("%v, %v", list, err)
	}
	for _, path := range list[1:] {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	more, err := filepath.Glob(filepath.Join(dir, "train", "green", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range more {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, copied := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), copied+filepath.Base(path)), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	network := []string{"--width", "0.25", "--resolution", "32", "--batch-size", "4", "--threads", "1"}
	_, stdout, _ := execute(t, append([]string{"data", "check", dir}, network...)...)
	_, advice, found := strings.Cut(stdout, "predictions will be biased")
	options := regexp.MustCompile(`--[a-z-]+ [a-z]+`).FindAllString(strings.SplitN(advice, "\n", 2)[0], -1)
	if !found || len(options) != 2 {
		t.Fatalf("options %q of\n%s", options, stdout)
	}
	for _, option := range options {
		args := append([]string{"--data", dir, "--out", filepath.Join(t.TempDir(), "run"), "--epochs", "1"}, network...)
		if code, _, stderr := execute(t, append(args, strings.Fields(option)...)...); code != exitDone {
			t.Errorf("%s: code %d, %s", option, code, stderr)
		}
	}
}
