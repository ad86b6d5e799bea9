package train

import (
	"errors"
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
	ofRanks := func(ranks string, f *checkpoints.File) *checkpoints.File {
		f.Meta[metaRanks] = ranks
		return f
	}
	machine := threads{host.Threads(), host.ThreadsReason()}
	for _, c := range []struct {
		name       string
		configured int
		resume     *checkpoints.File
		ranks      int
		want       threads
	}{
		{"a new run", 0, nil, 1, machine},
		{"a new run as configured", 3, nil, 1, threads{3, "as configured"}},
		{"a checkpoint", 0, checkpoint(`{"threads":7}`), 1, threads{7, "as in the checkpoint"}},
		{"a checkpoint as configured", 3, checkpoint(`{"threads":7}`), 1, threads{3, "as configured"}},
		{"weights alone", 0, checkpoint(""), 1, machine},
		{"a damaged number", 0, checkpoint(`{"threads":-1}`), 1, machine},
		{"a checkpoint of one process, continued by two", 0, checkpoint(`{"threads":7}`), 2, machine},
		{"as configured, continued by two", 3, checkpoint(`{"threads":7}`), 2, threads{3, "as configured"}},
		{"a checkpoint of two ranks", 0, ofRanks("2", checkpoint(`{"threads":7}`)), 2, threads{7, "as in the checkpoint"}},
		{"a checkpoint of two ranks, continued by one", 0, ofRanks("2", checkpoint(`{"threads":7}`)), 1, machine},
	} {
		if got := chooseThreads(c.configured, c.resume, usualThreads(), c.ranks); got != c.want {
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

// TestResumeThreadsOfRanks: another number of ranks takes the number of threads that is given or usual, and not that of the
// checkpoint; the same number of ranks must keep it.
func TestResumeThreadsOfRanks(t *testing.T) {
	c := small(t, testset.Images(t, 4, 2))
	c.Threads, c.Epochs = 2, 1
	fit(t, c)
	c.Resume, c.ExtendEpochs, c.Threads = "auto", 1, 1
	if _, err := Fit(t.Context(), c, report.Multi{}); !errors.Is(err, ErrOtherRun) || !strings.Contains(err.Error(), "threads 2, here 1") {
		t.Errorf("one process with another number of threads: %v", err)
	}
	trained(t, 2, c)
	c.Threads = 2
	for rank, m := range fitRanks(t, 2, c, nil) {
		if m.err == nil || !strings.Contains(m.err.Error(), "threads 1, here 2") {
			t.Errorf("rank %d of as many ranks with another number of threads: %v", rank, m.err)
		}
	}
	if result := fit(t, c); result.Epochs != 3 {
		t.Errorf("one process again ended after epoch %d, want 3", result.Epochs)
	}
}
