package train

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// copied copies a run's folder.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// resumed is the configuration with which train resume continues a folder.
func resumed(t *testing.T, dir string, extend int) config.Config {
	t.Helper()
	c, err := config.Load(filepath.Join(dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	c.Out, c.Resume, c.ExtendEpochs = dir, "auto", extend
	return c
}

// storedEpochs returns the epochs of the newest checkpoint.
func storedEpochs(t *testing.T, dir string) int {
	t.Helper()
	_, f, _, err := checkpoints.Store{Dir: filepath.Join(dir, weights.CheckpointFolder)}.Latest()
	if err != nil {
		t.Fatal(err)
	}
	return epochsOf(f.Meta[metaConfig])
}

var extendCases = []struct {
	name   string
	change func(*config.Config)
	stop   func(report.Event) bool // before the extension; nil: the run is finished
}{
	{"finished, sgd", func(*config.Config) {}, nil},
	{"finished, onecycle, weight average", func(c *config.Config) { c.Schedule, c.EMADecay = "onecycle", 0.8 }, nil},
	{"finished, adamw, accumulate, dropout", func(c *config.Config) {
		c.Optimizer, c.LR, c.Accumulate, c.Model.Dropout = "adamw", 1e-3, 2, 0.2
	}, nil},
	{"finished when layers unfreeze", func(c *config.Config) { c.Freeze, c.Augment, c.UnfreezeAfter = "backbone", "none", 2 }, nil},
	{"in an epoch", func(*config.Config) {}, atStep(8)},
	{"after an epoch", func(c *config.Config) { c.Freeze, c.UnfreezeAfter = "backbone", 1 }, atEpoch(1)},
}

// TestExtendIsExact: an extended run that is interrupted, or killed at any moment, and continued ends with the same
// bytes as one that is not, and records each step once.
func TestExtendIsExact(t *testing.T) {
	data := testset.Images(t, 14, 3) // 6 steps an epoch
	for _, tc := range extendCases {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, data)
			c.Epochs = 2
			tc.change(&c)
			if tc.stop == nil {
				fit(t, c)
			} else {
				stop(t, c, tc.stop)
			}
			whole := copied(t, c.Out)
			result := fit(t, resumed(t, whole, 2))
			if !result.Finished || result.Epochs != 4 {
				t.Fatalf("%+v, want 4 epochs", result)
			}
			want := outcome(t, result)
			t.Run("interrupted", func(t *testing.T) {
				checkOutcome(t, outcome(t, interruptedExtension(t, copied(t, c.Out))), want)
			})
			t.Run("killed", func(t *testing.T) { checkOutcome(t, outcome(t, killedExtension(t, copied(t, c.Out))), want) })
			t.Run("killed between its two files", func(t *testing.T) {
				for _, again := range []int{0, 2} { // plain, and the same command again
					dir := copied(t, c.Out)
					longer := resumed(t, dir, 0)
					longer.Epochs = 4
					if err := (&runFolder{dir: dir}).setEpochs(longer); err != nil {
						t.Fatal(err)
					}
					checkOutcome(t, outcome(t, fit(t, resumed(t, dir, again))), want)
				}
			})
		})
	}
}

// interruptedExtension extends a run, interrupts it as soon as the extension is stored, and later twice.
func interruptedExtension(t *testing.T, dir string) Result {
	t.Helper()
	for i, until := range []func(report.Event) bool{
		func(e report.Event) bool { _, ok := e.(report.Checkpoint); return ok }, atAnyStep, atAnyStep,
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Fit(ctx, resumed(t, dir, 2*max(0, 1-i)), recorderFunc(func(e report.Event) error {
			if until(e) {
				cancel()
			}
			return nil
		}))
		cancel()
		if !errors.Is(err, ErrInterrupted) {
			t.Fatalf("error %v", err)
		}
	}
	return fit(t, resumed(t, dir, 0))
}

func atAnyStep(e report.Event) bool {
	_, ok := e.(report.Step)
	return ok
}

// killedExtension extends a run in processes that it kills, until the extension is stored and two more times.
func killedExtension(t *testing.T, dir string) Result {
	t.Helper()
	path := filepath.Join(dir, configFile)
	for starts, later := 1, 0; later < 2; starts++ {
		steps, delay := 0, rand.N(time.Duration(starts)*300*time.Millisecond) // a slow machine needs longer to get there
		if storedEpochs(t, dir) == 2 {
			t.Setenv(trainerExtendEnv, "2")
		} else {
			t.Setenv(trainerExtendEnv, "")
			steps, delay, later = 1, rand.N(15*time.Millisecond), later+1
		}
		if trainProcess(t, path, dir, steps, delay, false) {
			t.Fatal("finished before it was killed")
		}
	}
	return fit(t, resumed(t, dir, 0))
}

// TestExtendedIsLonger: with a schedule that does not depend on the length of the run, an extended run ends with the
// same bytes as one that was as long from the start.
func TestExtendedIsLonger(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for i, tc := range extendCases {
		schedule := []string{"constant", "step", "exp"}[i%3]
		t.Run(tc.name+", "+schedule, func(t *testing.T) {
			c := small(t, data)
			tc.change(&c)
			c.Schedule, c.StepEpochs, c.Epochs = schedule, 1, 4
			long := fit(t, c)
			c.Epochs, c.Out = 2, filepath.Join(t.TempDir(), "run")
			if tc.stop == nil {
				fit(t, c)
			} else {
				stop(t, c, tc.stop)
			}
			got := fit(t, resumed(t, c.Out, 2))
			for _, name := range []string{weights.BestFile, filepath.Join(weights.CheckpointFolder, filepath.Base(checkpoints.Store{}.Path(long.Step)))} {
				if hashOf(t, filepath.Join(got.Dir, name)) != hashOf(t, filepath.Join(long.Dir, name)) {
					t.Errorf("%s differs from that of a run of 4 epochs", name)
				}
			}
		})
	}
}

// TestExtendSchedule: the learning rate of the next step is that of the longer run, and a line says so. Expected
// values: half a cosine without warmup, 0.02/2*(1+cos(pi*step/steps)).
func TestExtendSchedule(t *testing.T) {
	data := testset.Images(t, 14, 3) // 6 steps an epoch
	for _, tc := range []struct {
		name, schedule string
		stop           func(report.Event) bool
		lr             float64
		note           string
	}{
		{"finished", "cosine", nil, 0.01, "extended from 2 to 4 epochs: the cosine schedule now spans 4 epochs, so the learning rate continues at 0.01, where the run had ended at 0.00034"},
		{"interrupted", "cosine", atStep(6), 0.0170710678, "so the learning rate continues at 0.017, where it would have been 0.01"},
		{"constant", "constant", nil, 0.02, "extended from 2 to 4 epochs: the learning rate of the constant schedule remains 0.02"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, data)
			c.Epochs, c.Schedule, c.WarmupEpochs = 2, tc.schedule, 0
			if tc.stop == nil {
				fit(t, c)
			} else {
				stop(t, c, tc.stop)
			}
			_, events := fitBy(t, Trainer{}, resumed(t, c.Out, 2))
			first, notes := report.Step{}, ""
			for _, e := range events {
				switch e := e.(type) {
				case report.Step:
					if first.Step == 0 {
						first = e
					}
				case report.Note:
					notes += e.Text + "\n"
				}
			}
			if d := first.LR - tc.lr; d < -1e-9 || d > 1e-9 { // float64, rounded above
				t.Errorf("step %d has the learning rate %v, want %v", first.Step, first.LR, tc.lr)
			}
			if !strings.Contains(notes, tc.note) {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
		})
	}
}

// TestExtendKeepsConfig: an extension changes the number of epochs in config.yaml, and no other line.
func TestExtendKeepsConfig(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Epochs = 1
	fit(t, c)
	before := string(testset.Contents(t, filepath.Join(c.Out, configFile)))
	if err := os.Chmod(filepath.Join(c.Out, configFile), 0o600); err != nil {
		t.Fatal(err)
	}
	again := resumed(t, c.Out, 2)
	again.Workers, again.Time, again.Keep = 2, time.Hour, 9
	fit(t, again)
	if got, want := string(testset.Contents(t, filepath.Join(c.Out, configFile))), strings.Replace(before, "\nepochs: 1\n", "\nepochs: 3\n", 1); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(filepath.Join(c.Out, configFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if n := storedEpochs(t, c.Out); n != 3 {
		t.Errorf("the checkpoint says %d epochs", n)
	}
}

// TestSetEpochs: other lines of config.yaml stay, and a file without a line for the epochs is written again.
func TestSetEpochs(t *testing.T) {
	c := config.Default()
	c.Data, c.Epochs = "photos", 7
	for _, tc := range []struct {
		name, text string
		want       string // "": the whole configuration
	}{
		{"a run's", "# go\ndata: photos\nepochs: 3\nstep_epochs: 0\n", "# go\ndata: photos\nepochs: 7\nstep_epochs: 0\n"},
		{"a comment", "epochs: 3 # enough\n", "epochs: 7\n"},
		{"without a last line feed", "lr: 1\nepochs: 3", "lr: 1\nepochs: 7"},
		{"line ends of Windows", "epochs: 3\r\nlr: 1\r\n", "epochs: 7\nlr: 1\r\n"},
		{"a value on the next line", "epochs:\n  3\n", ""},
		{"no such setting", "lr: 1\n", ""},
		{"no YAML", "{", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &runFolder{dir: t.TempDir()}
			path := f.path(configFile)
			if err := os.WriteFile(path, []byte(tc.text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := f.setEpochs(c); err != nil {
				t.Fatal(err)
			}
			got := string(testset.Contents(t, path))
			if tc.want != "" && got != tc.want || tc.want == "" && !strings.Contains(got, "\ndata: photos\n") || f.epochs() != 7 {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzSetEpochs: whatever config.yaml holds, it has the new number of epochs afterwards.
func FuzzSetEpochs(f *testing.F) {
	f.Add([]byte("data: photos\nepochs: 3\n"))
	f.Add([]byte("epochs:\n  3\nepochs: 4\n"))
	f.Add([]byte("a: &a [1]\nepochs: *a\n"))
	folder := &runFolder{dir: f.TempDir()}
	c := config.Default()
	c.Epochs = 7
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(folder.path(configFile), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := folder.setEpochs(c); err != nil || folder.epochs() != 7 {
			t.Errorf("%d epochs, %v", folder.epochs(), err)
		}
	})
}

// TestExtendPastDamage: where the newest checkpoint of an extended run is damaged, the one before, of the shorter
// run, is continued to the length of the longer one.
func TestExtendPastDamage(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2)) // 3 steps an epoch
	c.Epochs = 1
	fit(t, c)
	stop(t, resumed(t, c.Out, 2), atStep(4))
	store := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}
	for step := int64(3); step <= 4; step++ {
		if err := os.Truncate(store.Path(step), 100); err != nil {
			t.Fatal(err)
		}
	}
	if result := fit(t, resumed(t, c.Out, 0)); result.Epochs != 3 {
		t.Errorf("%+v, want 3 epochs", result)
	}
}

// TestWrongExtensions: what cannot be extended is an error and stays as it is.
func TestWrongExtensions(t *testing.T) {
	data := testset.Images(t, 6, 2) // 3 steps an epoch
	for _, tc := range []struct {
		name   string
		change func(*config.Config) // of the run
		extend func(*config.Config)
		want   string
	}{
		{"by a negative number", nil, func(c *config.Config) { c.ExtendEpochs = -1 }, "extend_epochs -1: must be at least 1"},
		{"by too many", nil, func(c *config.Config) { c.ExtendEpochs = config.MaxCount }, "are too many"},
		{"a new run", nil, func(c *config.Config) { c.ExtendEpochs, c.Resume = 2, "" }, "needs a run to continue"},
		{"a limit of steps", func(c *config.Config) { c.MaxSteps = 2 }, func(c *config.Config) { c.ExtendEpochs = 2 }, "ends after 2 steps (--max-steps)"},
		{"other settings too", nil, func(c *config.Config) { c.ExtendEpochs, c.LR = 2, 0.5 }, "--lr was 0.02 and is 0.5; use"},
		{"other images", nil, func(c *config.Config) { c.ExtendEpochs, c.Data = 2, testset.Images(t, 7, 2) }, "not the same files"},
		{"by another number of epochs", nil, func(c *config.Config) { c.Epochs = 4 }, "--epochs was 1 and is 4 (train resume with --extend-epochs 3 makes the run longer)"},
		{"to fewer epochs", func(c *config.Config) { c.Epochs = 2 }, func(c *config.Config) { c.Epochs = 1 }, "--epochs was 2 and is 1; use"},
		{"a run without a checkpoint", func(c *config.Config) { c.Time = 1 }, func(c *config.Config) {
			c.ExtendEpochs = 2
			os.RemoveAll(filepath.Join(c.Out, weights.CheckpointFolder))
		}, "has no checkpoint yet, and nothing to extend: start it with --epochs 3 instead"},
		{"into another folder, from a file", nil, func(c *config.Config) {
			c.Resume = filepath.Join(c.Out, weights.CheckpointFolder, "step-00000003.safetensors")
			c.Out, c.Epochs = filepath.Join(t.TempDir(), "there"), 2
		}, "nothing is left to train"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := small(t, data)
			c.Epochs = 1
			if tc.change != nil {
				tc.change(&c)
			}
			fit(t, c)
			again := resumed(t, c.Out, 0)
			tc.extend(&again)
			before := files(t, c.Out)
			_, err := Fit(t.Context(), again, ignore)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			contents := func(state string) string { return state[max(0, len(state)-64):] } // its SHA-256
			for path, state := range files(t, c.Out) {
				if contents(before[path]) != contents(state) {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
}
