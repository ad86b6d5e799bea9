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
	{"finished, weight averaging", func(c *config.Config) { c.SWAEpochs = 1 }, nil},
	{"finished, plateau", func(c *config.Config) {
		c.Schedule, c.PlateauPatience, c.PlateauThreshold, c.Gamma = "plateau", 0, 1, 0.5
	}, nil},
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

// killedExtension extends a run in processes that it kills, until the extension is stored and once more.
func killedExtension(t *testing.T, dir string) Result {
	t.Helper()
	path := filepath.Join(dir, configFile)
	for starts, later := 1, 0; later < 1; starts++ {
		steps, delay := 0, rand.N(time.Duration(starts)*300*time.Millisecond) // a slow machine needs longer to get there
		if storedEpochs(t, dir) == 2 {
			t.Setenv(trainerExtendEnv, "2")
		} else {
			t.Setenv(trainerExtendEnv, "")
			steps, delay, later = 1, rand.N(15*time.Millisecond), later+1
		}
		trainProcess(t, path, dir, steps, delay, false)
	}
	return fit(t, resumed(t, dir, 0))
}

// TestExtendedIsLonger: with a schedule that does not depend on the length of the run, an extended run ends with the
// same bytes as one that was as long from the start.
func TestExtendedIsLonger(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for i, tc := range extendCases {
		schedule := []string{"constant", "step", "exp"}[i%3]
		if strings.Contains(tc.name, "weight averaging") {
			continue // its last epochs have a learning rate of their own
		}
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
	again.Workers, again.StopAfter, again.Keep = 2, time.Hour, 9
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
