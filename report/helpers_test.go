package report

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var errWriter = errors.New("write failed")

// failing accepts room bytes and then fails.
type failing struct{ room int }

func (f *failing) Write(b []byte) (int, error) {
	if len(b) <= f.room {
		f.room -= len(b)
		return len(b), nil
	}
	n := f.room
	f.room = 0
	return n, errWriter
}

// fakeClock is advanced by the test.
type fakeClock struct{ t time.Time }

func newClock() *fakeClock { return &fakeClock{time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *fakeClock) now() time.Time          { return c.t }
func (c *fakeClock) sleep(d time.Duration)   { c.t = c.t.Add(d) }
func (c *fakeClock) seconds(seconds float64) { c.sleep(time.Duration(seconds * float64(time.Second))) }

func record(t testing.TB, r Recorder, events ...Event) {
	t.Helper()
	for _, e := range events {
		if err := r.Record(e); err != nil {
			t.Fatalf("record %+v: %v", e, err)
		}
	}
}

func closeIt(t testing.TB, r Recorder) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantNoOtherFiles checks that the folder of a file contains no other files.
func wantNoOtherFiles(t testing.TB, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("unexpected file %s", e.Name())
		}
	}
}

// partialWriter is a file that fails after room bytes, as on a full disk.
type partialWriter struct {
	*os.File
	room int
}

func (h *partialWriter) Write(b []byte) (int, error) {
	if len(b) <= h.room {
		h.room -= len(b)
		return h.File.Write(b)
	}
	n, err := h.File.Write(b[:h.room])
	h.room = 0
	return n, errors.Join(err, errWriter)
}

func (h *partialWriter) Stat() (fs.FileInfo, error) { return h.File.Stat() }

// One event of each kind.
var (
	aStart  = Start{Run: "runs/a", Images: 100, ValImages: 20, Epochs: 12, Batches: 57, Step: 3, Steps: 684, Description: "<paper> & 0.5\ntwo lines"}
	aStep   = Step{Step: 57, Epoch: 1, Batch: 57, Batches: 57, Loss: 2.104, LR: 0.05, Top1: 0.375, Images: 32, ImagesPerSecond: 412.25, GradNorm: 1e-7}
	aVal    = Validation{Epoch: 1, Batch: 2, Batches: 5}
	anEpoch = Epoch{Epoch: 3, Epochs: 12, Step: 57, TrainLoss: 2.104, TrainTop1: 0.382, ValLoss: 1.93, ValTop1: 0.42, ValTop5: 0.785, LR: 0.05,
		ImagesPerSecond: 412.3, Seconds: 23.4, DataWaitShare: 0.01, ValImages: 20}
	aCheckpoint = Checkpoint{Step: 57, Path: "runs/a/checkpoints/step-00000057.safetensors", Best: true}
	aSkip       = Skip{Step: 57, Path: "a/b \"c\".jpg", Reason: "unexpected EOF"}
	aNote       = Note{Level: Warning, Text: "loss is high"}
	aDone       = Done{Step: 570, Epochs: 10, BestTop1: 0.643, Seconds: 3723, Status: Finished}
)

var update = flag.Bool("update", false, "write the golden files")
