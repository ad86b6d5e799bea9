package train

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// TestKilledAfterAChange: SIGKILL after the checkpoint of a change loses nothing, and before it leaves no trace of the change.
func TestKilledAfterAChange(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for _, c := range []struct {
		waits string // the event at which the process is killed
		every string
		keeps bool
	}{{"checkpoint", "1h", true}, {"control", "1h", false}, {"control", "1steps", false}} {
		t.Run(c.waits+" "+c.every, func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery = c.every
			want := map[int64][]control.Request{}
			if c.keeps {
				want[4] = []control.Request{factor(0.5)}
			}
			result, err := fitAsked(t, config, &requests{after: want})
			if err != nil {
				t.Fatal(err)
			}
			end := outcome(t, result)
			changes := strings.Join(controls(t, result.Dir), ", ")

			text, err := config.YAML()
			if err != nil {
				t.Fatal(err)
			}
			config.Out, config.Resume = filepath.Join(t.TempDir(), "run"), "auto"
			killedAt(t, writeFile(t, string(text)), config.Out, fmt.Sprintf("0.5 4 %s", c.waits))
			again, err := fitAsked(t, config, &requests{})
			if err != nil {
				t.Fatal(err)
			}
			checkOutcome(t, outcome(t, again), end)
			if got := strings.Join(controls(t, again.Dir), ", "); got != changes {
				t.Errorf("events %q, want %q", got, changes)
			}
		})
	}
}

// killedAt trains in another process, and kills it when it waits at an event.
func killedAt(t *testing.T, config, out, plan string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), trainerEnv+"="+config, trainerOutEnv+"="+out, trainerControlEnv+"="+plan)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		_, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for !strings.Contains(text, "waits") {
		block := make([]byte, 256)
		n, err := stdout.Read(block)
		if text += string(block[:n]); err != nil {
			t.Fatalf("the process ended after %q: %v", text, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}

// controlOf lets a trainer process change the learning rate once: "FACTOR STEP EVENT". The process then waits at the first
// event of that kind after the change to be killed. Without a plan it does nothing.
func controlOf(plan string, t *Trainer) func(report.Event) {
	var by float64
	var after int64
	var kind string
	if n, _ := fmt.Sscanf(plan, "%g %d %s", &by, &after, &kind); n < 3 {
		return func(report.Event) {}
	}
	t.Control = control.New()
	changed := false
	return func(e report.Event) {
		if s, ok := e.(report.Step); ok && s.Step == after {
			if _, err := t.Control.Do(factor(by)); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
		changed = changed || e.Kind() == (report.Control{}).Kind()
		if changed && e.Kind() == kind {
			fmt.Println("waits")
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test is gone
		}
	}
}
