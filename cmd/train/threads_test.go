package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/host"
)

// TestThreadWarning: every command with --threads warns of more than the machine has, once, and computes.
func TestThreadWarning(t *testing.T) {
	data := pictures(t)
	network := []string{"--width", "0.25", "--resolution", "32"}
	few, many := "1", fmt.Sprint(1+host.ThisProcess().Machine)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"bench step", append([]string{"bench", "step", "--steps", "1", "--batch-size", "2"}, network...)},
		{"bench infer", append([]string{"bench", "infer", "--steps", "1"}, network...)},
		{"check --plot", append([]string{"check", "--plot", t.TempDir() + "/a.html", "--classes", "2", "--batch-size", "2"}, network...)},
		{"training", small(data, "--out", t.TempDir()+"/RUN", "--epochs", "1")},
	} {
		for threads, want := range map[string]int{few: 0, many: 1} {
			args := append(c.args[:len(c.args):len(c.args)], "--threads", threads)
			for i, a := range args {
				args[i] = strings.Replace(a, "RUN", "run"+threads, 1)
			}
			_, _, stderr := execute(t, args...)
			if got := strings.Count(stderr, "warning: "+many+" threads exceed "); got != want {
				t.Errorf("%s with %s threads: %d warnings, want %d:\n%s", c.name, threads, got, want, stderr)
			}
		}
	}
}

// TestThreadWarningOfEnvironment: OMP_NUM_THREADS is warned of as --threads is, which takes precedence.
func TestThreadWarningOfEnvironment(t *testing.T) {
	many := fmt.Sprint(1 + host.ThisProcess().Machine)
	t.Setenv("OMP_NUM_THREADS", many)
	infer := []string{"bench", "infer", "--steps", "1", "--width", "0.25", "--resolution", "32"}
	for want, args := range [][]string{append(infer[:len(infer):len(infer)], "--threads", "1"), infer} {
		_, _, stderr := execute(t, args...)
		if got := strings.Count(stderr, "warning: "+many+" threads exceed "); got != want {
			t.Errorf("%v: %d warnings, want %d:\n%s", args, got, want, stderr)
		}
	}
}

// TestResumeCommandThreads: the command that continues a run names the threads only where they are not those of config.yaml.
func TestResumeCommandThreads(t *testing.T) {
	c := config.Default()
	c.Threads = 2
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, configName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	for given, want := range map[int]string{0: "", 2: "", 3: " --threads 3"} {
		c.Threads = given
		if got := resumeCommand("train", dir, c); got != "train resume "+dir+want {
			t.Errorf("--threads %d: %q", given, got)
		}
	}
}

// TestResumeCommandRanks: the command that continues a run starts as many processes as --nproc has.
func TestResumeCommandRanks(t *testing.T) {
	for launcher, want := range map[string]string{"--nproc": "train resume r --nproc 4", "": "train resume r"} {
		rankOf(t, map[string]string{"DEPTHWISE_LAUNCHER": launcher, "TORCHELASTIC_RUN_ID": "", "RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"})
		if got := resumeCommand("train", "r", config.Default()); got != want {
			t.Errorf("launcher %q: %q, want %q", launcher, got, want)
		}
		if got, longer := extendCommands("train", "r", config.Default()), []string{want + " --extend-epochs N"}; !slices.Equal(got, longer) {
			t.Errorf("launcher %q: %q, want %q", launcher, got, longer)
		}
	}
}
