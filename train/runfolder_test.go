package train

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// stop trains until the recorder has seen what until waits for, and is interrupted there.
func stop(t *testing.T, c config.Config, until func(report.Event) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Fit(ctx, c, recorderFunc(func(e report.Event) error {
		if until(e) {
			cancel()
		}
		return nil
	}))
	if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "--resume auto") {
		t.Fatalf("error %v, want ErrInterrupted", err)
	}
}

func atStep(n int64) func(report.Event) bool {
	return func(e report.Event) bool { s, ok := e.(report.Step); return ok && s.Step == n }
}

func atEpoch(n int) func(report.Event) bool {
	return func(e report.Event) bool { s, ok := e.(report.Epoch); return ok && s.Epoch == n }
}

// files are all files of a folder but the lock, with their times and contents.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" {
			return err
		}
		info, err := d.Info()
		list[path] = info.ModTime().Format(time.RFC3339Nano) + hashOf(t, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFinishedRunChangesNothing(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Epochs = 1
	want := fit(t, c)
	before := files(t, c.Out)
	c.Resume = "auto"
	var events []report.Event
	got, err := Fit(context.Background(), c, recorderFunc(func(e report.Event) error { events = append(events, e); return nil }))
	if err != nil || got != want {
		t.Errorf("result %+v, %v; want %+v", got, err, want)
	}
	if len(events) != 1 || !strings.Contains(events[0].(report.Note).Text, "nothing to do") {
		t.Errorf("events %v", events)
	}
	after := files(t, c.Out)
	for path, state := range before {
		if after[path] != state {
			t.Errorf("%s was changed", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("%d files became %d", len(before), len(after))
	}

	c.Resume = ""
	if _, err := Fit(context.Background(), c, ignore); !errors.Is(err, ErrRunExists) || !strings.Contains(err.Error(), c.Out) {
		t.Errorf("without --resume: %v", err)
	}
	unlock, err := checkpoints.Lock(c.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	c.Resume = "auto"
	if _, err := Fit(context.Background(), c, ignore); !errors.Is(err, checkpoints.ErrLocked) {
		t.Errorf("while another holds it: %v", err)
	}
}

// TestResumeFrom covers the ways on from a checkpoint other than the plain one.
func TestResumeFrom(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2)) // batches of 8, 8 and 2: 9 steps
	c.Keep = 20
	want := outcome(t, fit(t, c))
	file := filepath.Join(c.Out, weights.CheckpointFolder, "step-00000004.safetensors")

	t.Run("a file, in another folder", func(t *testing.T) {
		there := c
		there.Out, there.Resume = filepath.Join(t.TempDir(), "there"), file
		got := outcomeHashes(t, fit(t, there))
		if got.final != want.final || got.best != want.best {
			t.Errorf("ends with %+v", got)
		}
	})
	t.Run("weights alone", func(t *testing.T) {
		there := c
		there.Out, there.Resume = filepath.Join(t.TempDir(), "there"), filepath.Join(c.Out, weights.BestFile)
		if _, err := Fit(context.Background(), there, ignore); err == nil || !strings.Contains(err.Error(), "weights alone") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("past a damaged one", func(t *testing.T) {
		there := c
		there.Out = filepath.Join(t.TempDir(), "there")
		stop(t, there, atStep(5))
		newest := filepath.Join(there.Out, weights.CheckpointFolder, "step-00000005.safetensors")
		if err := os.Truncate(newest, 1000); err != nil {
			t.Fatal(err)
		}
		there.Resume = "auto"
		warned := false
		result, err := Fit(context.Background(), there, recorderFunc(func(e report.Event) error {
			n, ok := e.(report.Note)
			warned = warned || ok && n.Level == report.Warning && strings.Contains(n.Text, newest)
			return nil
		}))
		if err != nil || !warned {
			t.Errorf("error %v, warned of the damage: %v", err, warned)
		}
		checkOutcome(t, outcome(t, result), want)
	})
	t.Run("all damaged", func(t *testing.T) {
		there := c
		there.Out = filepath.Join(t.TempDir(), "there")
		stop(t, there, atStep(1))
		if err := os.Truncate(filepath.Join(there.Out, weights.CheckpointFolder, "step-00000001.safetensors"), 10); err != nil {
			t.Fatal(err)
		}
		there.Resume = "auto"
		if _, err := Fit(context.Background(), there, ignore); err == nil || !strings.Contains(err.Error(), "every checkpoint is damaged") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("the time's end", func(t *testing.T) {
		there := c
		there.Out, there.StopAfter = filepath.Join(t.TempDir(), "there"), 1
		if result := fit(t, there); result.Step != 0 {
			t.Errorf("after no time: %+v", result)
		}
		there.Resume, there.StopAfter = "auto", 0
		if got := outcome(t, fit(t, there)); got.best != want.best {
			t.Errorf("best %s, want %s", got.best, want.best)
		}
	})
}

func outcomeHashes(t *testing.T, r Result) endState {
	t.Helper()
	return endState{final: hashOf(t, filepath.Join(r.Dir, weights.CheckpointFolder, "step-00000009.safetensors")), best: hashOf(t, filepath.Join(r.Dir, weights.BestFile))}
}

func TestOtherRunIsRefused(t *testing.T) {
	images := testset.Images(t, 6, 2)
	c := small(t, images)
	stop(t, c, atStep(2))
	c.Resume = "auto"
	before := files(t, c.Out)
	for _, test := range []struct {
		name   string
		change func(*config.Config)
		want   []string
	}{
		{"settings", func(c *config.Config) { c.LR, c.BatchSize = 0.5, 4 }, []string{"--lr was 0.02 and is 0.5", "--batch-size was 8 and is 4"}},
		{"threads", func(c *config.Config) { c.Threads = 2 }, []string{"--threads 1"}},
		{"precision", func(c *config.Config) { c.Precision = "bf16" }, []string{"--precision fp32"}},
		{"images", func(c *config.Config) { c.Data = testset.Images(t, 7, 2) }, []string{"not the same files"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			other := c
			test.change(&other)
			_, err := Fit(context.Background(), other, ignore)
			if !errors.Is(err, ErrOtherRun) {
				t.Fatalf("error %v, want ErrOtherRun", err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
		})
	}
	after := files(t, c.Out)
	for path, state := range before {
		if after[path] != state {
			t.Errorf("a refused resume changed %s", path)
		}
	}
	c.Workers, c.Keep, c.CheckpointEvery, c.Data = 2, 7, "10m", filepath.Join(t.TempDir(), "elsewhere")
	c.StopAfter, c.Progress = time.Hour, "none"
	if err := os.Rename(images, c.Data); err != nil {
		t.Fatal(err)
	}
	fit(t, c) // all of that may change
}

// TestRepairBest: best.safetensors is there again, byte for byte, before a resumed run trains on.
func TestRepairBest(t *testing.T) {
	images := testset.Images(t, 6, 2)
	remove := func(t *testing.T, path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name     string
		keep     int
		until    func(report.Event) bool
		damage   func(t *testing.T, c config.Config, best string)
		repaired bool
	}{
		{"missing, of a weight average", 20, atStep(5), func(t *testing.T, _ config.Config, best string) { remove(t, best) }, true},
		{"missing, from the checkpoint itself", 3, atEpoch(1), func(t *testing.T, _ config.Config, best string) { remove(t, best) }, true},
		{"missing, from its step's checkpoint", 20, atStep(5), func(t *testing.T, _ config.Config, best string) { remove(t, best) }, true},
		{"cut off", 20, atStep(5), func(t *testing.T, _ config.Config, best string) {
			if err := os.Truncate(best, 100); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"of an earlier step", 20, atStep(5), func(t *testing.T, _ config.Config, best string) {
			w, err := formats.Read(best)
			if err != nil {
				t.Fatal(err)
			}
			w.Meta[weights.MetaBest] = `{"step":2}`
			if err := w.Write(best); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"missing, from its step's checkpoint beyond those to keep", 1, atStep(5), func(t *testing.T, _ config.Config, best string) { remove(t, best) }, true},
		{"its step's checkpoint is gone too", 20, atStep(5), func(t *testing.T, c config.Config, best string) {
			remove(t, best)
			remove(t, filepath.Join(c.Out, weights.CheckpointFolder, "step-00000003.safetensors"))
		}, false},
		{"its step's checkpoint is damaged too", 20, atStep(5), func(t *testing.T, c config.Config, best string) {
			remove(t, best)
			if err := os.Truncate(filepath.Join(c.Out, weights.CheckpointFolder, "step-00000003.safetensors"), 1000); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := small(t, images)
			c.Keep = test.keep
			if strings.Contains(test.name, "average") {
				c.EMADecay = 0.5
			}
			stop(t, c, test.until)
			best := filepath.Join(c.Out, weights.BestFile)
			want := hashOf(t, best)
			test.damage(t, c, best)
			c.Resume = "auto"
			warned, repaired := false, false
			stop(t, c, func(e report.Event) bool {
				switch e := e.(type) {
				case report.Note:
					warned = warned || strings.Contains(e.Text, weights.BestFile)
				case report.Step:
					_, err := os.Stat(best)
					repaired = err == nil && hashOf(t, best) == want
					return true
				}
				return false
			})
			if repaired != test.repaired || warned == test.repaired {
				t.Errorf("repaired: %v, warned: %v", repaired, warned)
			}
		})
	}
}

// TestFailedStart: a run that cannot start leaves no new folder, and changes nothing in one that exists.
func TestFailedStart(t *testing.T) {
	c := small(t, testset.Images(t, 6, 3))
	c.Model.Arch, c.Model.Variant, c.Model.Activation, c.Backend = "mobilenet_v2", "torchvision", models.ReLU6, "fused"
	c.Out = filepath.Join(t.TempDir(), "run")
	if _, err := Fit(t.Context(), c, report.Multi{}); err == nil || !strings.Contains(err.Error(), "--backend fused cannot compute") {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(c.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was left behind: %v", err)
	}
	if err := os.Mkdir(c.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Fit(t.Context(), c, report.Multi{}); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(c.Out); err != nil {
		t.Errorf("a folder that existed was removed: %v", err)
	}
}

// TestResumeFolder: resume takes a checkpoint; of a folder the error says how to continue it.
func TestResumeFolder(t *testing.T) {
	c := small(t, testset.Images(t, 6, 3))
	c.Resume = t.TempDir()
	if _, err := Fit(t.Context(), c, report.Multi{}); err == nil || !strings.Contains(err.Error(), "train resume "+c.Resume) {
		t.Errorf("error %v", err)
	}
}
