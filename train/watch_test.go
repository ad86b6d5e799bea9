package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// TestFolderLost: a run whose folder, or a file in it, disappears ends at once, says what is lost, and
// does not create it again.
func TestFolderLost(t *testing.T) {
	data := testset.Images(t, 6, 3)
	away := func(path string) error { return os.Rename(path, path+"-away") }
	another := func(path string) error { return errors.Join(away(path), os.Mkdir(path, 0o755)) }
	file := func(path string) error { return errors.Join(os.RemoveAll(path), os.WriteFile(path, nil, 0o644)) }
	validating := func(e report.Event) bool { _, ok := e.(report.Validation); return ok }
	for _, c := range []struct {
		name  string
		path  string // in the run's folder
		lose  func(path string) error
		until func(report.Event) bool
		want  string
	}{
		{"the folder, removed", "", os.RemoveAll, atStep(2), "the run's folder"},
		{"the folder, removed before the first step", "", os.RemoveAll, func(e report.Event) bool { _, ok := e.(report.Start); return ok }, "the run's folder"},
		{"the folder, removed at the last step", "", os.RemoveAll, atStep(9), "the run's folder"},
		{"the folder, removed in a validation", "", os.RemoveAll, validating, "the run's folder"},
		{"the folder, removed after the last epoch", "", os.RemoveAll, atEpoch(3), "the run's folder"},
		{"the folder, renamed", "", away, atStep(2), "train resume and its new name"},
		{"the folder, now a file", "", file, atStep(2), "the run's folder"},
		{"the folder, now another", "", another, atStep(2), "the run's folder"},
		{"the checkpoints, removed", weights.CheckpointFolder, os.RemoveAll, atStep(4), "the folder of the run's checkpoints"},
		{"the checkpoints, removed in a validation", weights.CheckpointFolder, os.RemoveAll, validating, "the folder of the run's checkpoints"},
		{"the checkpoints, now a file", weights.CheckpointFolder, file, atStep(4), "the folder of the run's checkpoints"},
		{"the checkpoints, now another folder", weights.CheckpointFolder, another, atStep(4), "the folder of the run's checkpoints"},
		{"the events", eventsFile, os.Remove, atStep(4), "the file of the run's events"},
		{"the metrics, now another file", metricsFile, file, atStep(4), "the file of the run's metrics"},
		{"the lock", checkpoints.LockName, os.Remove, atStep(4), "the run's lock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			path := filepath.Join(config.Out, c.path)
			lost := false
			_, err := Fit(t.Context(), config, recorderFunc(func(e report.Event) error {
				if _, ended := e.(report.Done); ended {
					t.Error("the run ended well")
				}
				if !lost && c.until(e) {
					lost = true
					if err := c.lose(path); err != nil {
						t.Error(err)
					}
				}
				return nil
			}))
			if !lost || !errors.Is(err, ErrFolderLost) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrFolderLost with %s and %q", err, path, c.want)
			}
			if _, err := os.Stat(filepath.Join(path, "step-00000009.safetensors")); err == nil {
				t.Error("the folder was made again")
			}
		})
	}
}

// TestFolderLostInAWrite: the write that fails is not what the user is told to repair.
func TestFolderLostInAWrite(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	failed := errors.New("write: no such file or directory; free space")
	trainer := Trainer{Callbacks: []Callback{{AfterStep: func(*autograd.Scope, *backend.Network, report.Step) error {
		return errors.Join(os.RemoveAll(filepath.Join(c.Out, weights.CheckpointFolder)), failed)
	}}}}
	if _, err := trainer.Fit(t.Context(), c, ignore); !errors.Is(err, ErrFolderLost) || strings.Contains(err.Error(), "free space") {
		t.Errorf("error %v, want ErrFolderLost alone", err)
	}
}

// TestBestReplaced: a pipe that takes the place of best.safetensors during the run is replaced by the
// file; to write to it would wait for a reader.
func TestBestReplaced(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	best := filepath.Join(c.Out, weights.BestFile)
	_, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		if atStep(2)(e) {
			return syscall.Mkfifo(best, 0o644)
		}
		return nil
	}))
	if info, stat := os.Stat(best); err != nil || stat != nil || !info.Mode().IsRegular() {
		t.Errorf("%v; %v, %v", err, info, stat)
	}
}

// TestConfigRemoved: a config.yaml that was removed is there again, also after a resume.
func TestConfigRemoved(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	path := filepath.Join(c.Out, configFile)
	var want []byte
	remove := recorderFunc(func(e report.Event) (err error) {
		if _, begun := e.(report.Start); begun {
			want, err = os.ReadFile(path)
			return errors.Join(err, os.Remove(path))
		}
		return nil
	})
	c.MaxSteps = 4
	for _, resume := range []string{"", "auto"} {
		c.Resume = resume
		stopped, cancel := context.WithCancel(t.Context())
		_, err := Fit(stopped, c, recorderFunc(func(e report.Event) error {
			if resume == "" && atStep(2)(e) {
				cancel()
			}
			return remove(e)
		}))
		cancel()
		if (err == nil) != (resume != "") {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("resume %q: %v, %q, want %q", resume, err, got, want)
		}
	}
}

// TestFolderLostAdvice: a run continues in a folder that was renamed.
func TestFolderLostAdvice(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	want := outcome(t, fit(t, c))
	c.Out = filepath.Join(t.TempDir(), "run")
	_, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		if atStep(4)(e) {
			return os.Rename(c.Out, c.Out+"-new")
		}
		return nil
	}))
	if !errors.Is(err, ErrFolderLost) {
		t.Fatal(err)
	}
	c.Out, c.Resume = c.Out+"-new", "auto"
	checkOutcome(t, outcome(t, fit(t, c)), want)
}

// TestBestIsThereAtTheEnd: best.safetensors that was deleted during the run is written again.
func TestBestIsThereAtTheEnd(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	fit(t, c)
	want := hashOf(t, filepath.Join(c.Out, weights.BestFile))
	c.Out = filepath.Join(t.TempDir(), "run")
	best := filepath.Join(c.Out, weights.BestFile)
	if _, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
		if saved, ok := e.(report.Checkpoint); ok && saved.Step == 9 {
			return os.Remove(best)
		}
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	if got := hashOf(t, best); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestNamedPipes: a pipe with the name of a file of the run is refused. To open it would block.
func TestNamedPipes(t *testing.T) {
	data := testset.Images(t, 6, 2)
	c := small(t, data)
	fit(t, c)
	for _, test := range []struct {
		name, path string
		change     func(*config.Config)
		want       string // in the error; "": the run succeeds
	}{
		{"events of a new run", eventsFile, func(c *config.Config) { c.Resume = "" }, "named pipe"},
		{"metrics of a new run", metricsFile, func(c *config.Config) { c.Resume = "" }, "named pipe"},
		{"the lock", checkpoints.LockName, func(c *config.Config) { c.Resume = "" }, "named pipe"},
		{"the newest checkpoint", "checkpoints/step-00000010.safetensors", func(*config.Config) {}, "named pipe"},
		{"a checkpoint to resume from", "pipe", func(c *config.Config) { c.Resume = filepath.Join(c.Out, "pipe") }, "named pipe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := c
			c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
			path := filepath.Join(c.Out, test.path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), syscall.Mkfifo(path, 0o644)); err != nil {
				t.Fatal(err)
			}
			test.change(&c)
			ended := make(chan error, 1)
			go func() {
				_, err := Fit(t.Context(), c, ignore)
				ended <- err
			}()
			select {
			case err := <-ended:
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %s and %q", err, path, test.want)
				}
			case <-time.After(time.Minute):
				t.Fatal("blocked")
			}
		})
	}
	t.Run("beside valid checkpoints", func(t *testing.T) {
		c := small(t, data)
		stop(t, c, atStep(4))
		best := filepath.Join(c.Out, weights.BestFile)
		pipe := filepath.Join(c.Out, weights.CheckpointFolder, "step-00000007.safetensors")
		if err := errors.Join(os.Remove(best), syscall.Mkfifo(best, 0o644), syscall.Mkfifo(pipe, 0o644)); err != nil {
			t.Fatal(err)
		}
		c.Resume = "auto"
		r := fit(t, c)
		if info, err := os.Stat(best); err != nil || !info.Mode().IsRegular() || r.Step != 9 {
			t.Errorf("%+v: %v, %v", r, info, err)
		}
	})
}
