package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/config"
)

// checkedLine returns the configuration of a command line, and the error of its check.
func checkedLine(t *testing.T, line string) (config.Config, error) {
	t.Helper()
	s := newSettings()
	cmd := configured(s)
	if err := cmd.ParseFlags(append([]string{"--data", "x"}, strings.Fields(line)...)); err != nil {
		t.Fatal(err)
	}
	return s.checked(cmd)
}

// TestFlagsWithoutEffect: a flag that has no effect without another one is refused, and accepted with it.
func TestFlagsWithoutEffect(t *testing.T) {
	for _, c := range []struct{ flags, with, want string }{
		{"--step-epochs 3", "--schedule exp", "--step-epochs has no effect with --schedule cosine: omit it, or use --schedule step or exp"},
		{"--gamma 0.5", "--schedule plateau", "--gamma has no effect with --schedule cosine: omit it, or use --schedule step, exp or plateau"},
		{"--plateau-patience 3", "--schedule plateau", "--plateau-patience has no effect with --schedule cosine: omit it, or use --schedule plateau"},
		{"--plateau-threshold 0.01", "--schedule plateau", "--plateau-threshold has no effect"},
		{"--plateau-cooldown 3", "--schedule plateau", "--plateau-cooldown has no effect"},
		{"--plateau-min-lr 1e-5", "--schedule plateau", "--plateau-min-lr has no effect"},
		{"--ema-warmup none", "--ema-decay 0.99", "--ema-warmup has no effect without --ema-decay"},
		{"--ema-steps 3", "--recipe modern", "--ema-steps has no effect without --ema-decay"},
		{"--swa-lr 0.01", "--swa-epochs 3", "--swa-lr has no effect without --swa-epochs"},
		{"--min-delta 0.01", "--patience 3", "--min-delta has no effect without --patience"},
		{"--monitor loss", "--patience 3", "--monitor has no effect without --patience or --schedule plateau"},
		{"--monitor loss", "--schedule plateau", "--monitor has no effect without --patience or --schedule plateau"},
	} {
		if _, err := checkedLine(t, c.flags); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.flags, err, c.want)
		}
		if _, err := checkedLine(t, c.flags+" "+c.with); err != nil {
			t.Errorf("%s %s: %v", c.flags, c.with, err)
		}
	}
}

// TestEpochsWithTime: a time leaves the number of epochs open, unless the command line or the file gives one.
func TestEpochsWithTime(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return " --config " + path
	}
	for _, c := range []struct {
		line   string
		epochs int
		time   time.Duration
	}{
		{"", 90, 0},
		{"--time 2h", 0, 2 * time.Hour},
		{"--time 2h --epochs 5", 5, 2 * time.Hour},
		{"--time 2h --recipe torchvision", 0, 2 * time.Hour},
		{"--time 2h --data mnist", 0, 2 * time.Hour},
		{"--time 2h" + file("epochs: 7\n"), 7, 2 * time.Hour},
		{"--time 2h" + file("lr: 0.1\n"), 0, 2 * time.Hour},
		{file("time: 1h\n"), 0, time.Hour},
		{file("time: 1h\nepochs: 3\n"), 3, time.Hour},
		{"--epochs 4" + file("time: 1h\n"), 4, time.Hour},
		{"--time 0" + file("lr: 0.1\n"), 90, 0},
		{"--stop-after 2h", 90, 0},
	} {
		got, err := checkedLine(t, c.line)
		if err != nil || got.Epochs != c.epochs || got.Time != c.time {
			t.Errorf("%s: %d epochs in %v, %v", c.line, got.Epochs, got.Time, err)
		}
	}
	for line, want := range map[string]string{
		"--time 1h --swa-epochs 3":                 "swa_epochs 3: needs a run whose number of epochs is known",
		"--time 0" + file("time: 1h\nepochs: 0\n"): "epochs 0: must be at least 1",
	} {
		if _, err := checkedLine(t, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", line, err, want)
		}
	}
}

// TestTimeOfAContinuedRun: the error says what to use.
func TestTimeOfAContinuedRun(t *testing.T) {
	code, _, stderr := execute(t, "resume", "runs/x", "--time", "2h")
	if code != exitUsage || !strings.Contains(stderr, "use --stop-after") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
