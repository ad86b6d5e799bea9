package train

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestBatchSizeBeyondTheData: it is cut to the number of images, noted once and stored, and the run is
// that of the smaller number, which resumes it.
func TestBatchSizeBeyondTheData(t *testing.T) {
	dir := testset.Images(t, 6, 2) // 18 images
	want := small(t, dir)
	want.Epochs, want.BatchSize = 2, 18
	exact := outcome(t, fit(t, want))
	for _, size := range []int{19, 1_000_000, math.MaxInt} {
		c := want
		c.BatchSize, c.Out = size, filepath.Join(t.TempDir(), "run")
		result, events := fitBy(t, Trainer{}, c)
		notes := 0
		for _, e := range events {
			if n, ok := e.(report.Note); ok && strings.HasPrefix(n.Text, "batch size ") && strings.HasSuffix(n.Text, " cut to 18, the number of training images") {
				notes++
			}
		}
		if notes != 1 {
			t.Errorf("%d: noted %d times", size, notes)
		}
		checkOutcome(t, outcome(t, result), exact)
		text, err := os.ReadFile(filepath.Join(c.Out, "config.yaml"))
		if err != nil || !strings.Contains(string(text), "\nbatch_size: 18\n") {
			t.Errorf("%d: stored %v in\n%s", size, err, text)
		}
		c.Resume = "auto" // a finished run: its settings are compared
		fit(t, c)
	}
}

// TestMemoryOfARun: a network that cannot be trained here is refused before the run's folder exists.
func TestMemoryOfARun(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Model.Width, c.Model.Resolution, c.BatchSize, c.Backend = 8, 4096, 18, "torch" // terabytes
	if _, err := Fit(t.Context(), c, ignore); err == nil || !strings.Contains(err.Error(), "train: training with batches of 18 images of 4096x4096 needs at least ") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(c.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left a folder: %v", err)
	}
}

func TestCutStored(t *testing.T) {
	for _, c := range []struct{ settings, want string }{
		{"accumulate: 99\nbatch_size: 32\nepochs: 90\n", "accumulate: 99\nbatch_size: 20\nepochs: 90\n"},
		{"batch_size: 20\n", "batch_size: 20\n"},
		{"batch_size: 8\n", "batch_size: 8\n"},
		{"batch_size: 99999999999999999999\n", "batch_size: 20\n"},
		{"no_batch_size: 32\n", "no_batch_size: 32\n"},
	} {
		if got := cutStored(c.settings, 20); got != c.want {
			t.Errorf("%q: %q, want %q", c.settings, got, c.want)
		}
	}
}
