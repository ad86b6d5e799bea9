package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

func TestChooseThreads(t *testing.T) {
	checkpoint := func(machine string) *checkpoints.File {
		return &checkpoints.File{Meta: map[string]string{metaMachine: machine}}
	}
	machine := threads{host.Threads(), host.ThreadsReason()}
	for _, c := range []struct {
		name       string
		configured int
		resume     *checkpoints.File
		want       threads
	}{
		{"a new run", 0, nil, machine},
		{"a new run as configured", 3, nil, threads{3, "as configured"}},
		{"a checkpoint", 0, checkpoint(`{"threads":7}`), threads{7, "as in the checkpoint"}},
		{"a checkpoint as configured", 3, checkpoint(`{"threads":7}`), threads{3, "as configured"}},
		{"weights alone", 0, checkpoint(""), machine},
		{"a damaged number", 0, checkpoint(`{"threads":-1}`), machine},
	} {
		if got := chooseThreads(c.configured, c.resume, usualThreads()); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := (threads{1, "1 physical core"}).String(); got != "1 thread: 1 physical core" {
		t.Errorf("text %q", got)
	}
}

// TestResumeThreads: a run records its number of threads, and a resumed one computes with it whatever the default of the
// machine is, also where config.yaml leaves it open, as earlier versions did.
func TestResumeThreads(t *testing.T) {
	many := 1 + host.ThisProcess().Machine // more than any default
	for _, recorded := range []bool{true, false} {
		c := small(t, testset.Images(t, 4, 2))
		c.Threads, c.Epochs = many, 1
		fit(t, c)
		path := filepath.Join(c.Out, configFile)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := config.Load(path); err != nil || stored.Threads != many || !strings.Contains(string(text), "workers 0\n") {
			t.Errorf("config.yaml has threads %d, want %d, and the workers; error %v:\n%s", stored.Threads, many, err, text)
		}
		c.Resume, c.ExtendEpochs = "auto", 1
		if !recorded {
			c.Threads = 0
		}
		var notes []string
		result, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
			if n, ok := e.(report.Note); ok {
				notes = append(notes, n.Text)
			}
			return nil
		}))
		if err != nil || result.Epochs != 2 {
			t.Errorf("resumed to epoch %d, error %v", result.Epochs, err)
		}
		all := strings.Join(notes, "\n")
		if want := " exceed the "; !strings.Contains(all, want) {
			t.Errorf("notes lack %q:\n%s", want, all)
		}
		if want := " as in the checkpoint"; !recorded && !strings.Contains(all, want) {
			t.Errorf("notes lack %q:\n%s", want, all)
		}
	}
}
