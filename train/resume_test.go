package train

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/weights"
)

// resumeCases are runs whose state is made of different things.
var resumeCases = []struct {
	name   string
	change func(*config.Config)
}{
	{"sgd, no workers", func(*config.Config) {}},
	{"sgd, 4 workers", func(c *config.Config) { c.Workers = 4 }},
	{"rmsprop, accumulate, clip, mid-warmup", func(c *config.Config) {
		c.Optimizer, c.LR, c.Accumulate, c.ClipGradNorm, c.Epochs, c.WarmupEpochs, c.LabelSmoothing = "rmsprop", 1e-3, 2, 1, 5, 4, 0.2
	}},
	{"rmsprop_tf", func(c *config.Config) { c.Optimizer, c.LR, c.Schedule = "rmsprop_tf", 0.045, "exp" }},
	{"adamw", func(c *config.Config) { c.Optimizer, c.LR = "adamw", 1e-3 }},
	{"sgd, weight average", func(c *config.Config) { c.EMADecay = 0.8 }},
	{"adamw, weight average with torchvision's warm-up", func(c *config.Config) {
		c.Optimizer, c.LR, c.EMADecay, c.EMAWarmup, c.EMASteps, c.WarmupEpochs = "adamw", 1e-3, 0.99, "torchvision", 2, 1
	}},
	{"weight averaging of the last epochs", func(c *config.Config) { c.SWAEpochs, c.SWALR, c.Model.Dropout = 2, 0.01, 0.2 }},
	{"weight averaging beside a moving average", func(c *config.Config) { c.SWAEpochs, c.EMADecay, c.Freeze = 2, 0.8, "blocks:3" }},
	{"plateau", func(c *config.Config) {
		c.Schedule, c.PlateauPatience, c.PlateauThreshold, c.Gamma, c.Epochs = "plateau", 0, 1, 0.5, 4
	}},
	{"early stopping", func(c *config.Config) { c.Patience, c.MinDelta, c.Epochs = 2, 1, 9 }},
	{"dropout", func(c *config.Config) { c.Model.Dropout = 0.2 }},
	{"frozen blocks, layer decay", func(c *config.Config) { c.Freeze, c.LayerDecay, c.HeadLRScale = "blocks:3", 0.8, 5 }},
	{"frozen batch norms", func(c *config.Config) { c.Freeze = "bn" }},
	{"frozen backbone, then not", func(c *config.Config) {
		c.Freeze, c.UnfreezeAfter, c.EMADecay, c.Model.Dropout = "backbone", 1, 0.8, 0.2
	}},
	{"cached features, then not", func(c *config.Config) {
		c.Freeze, c.UnfreezeAfter, c.Augment, c.Optimizer, c.LR = "backbone", 2, "none", "adamw", 1e-3
	}},
	{"cached features", func(c *config.Config) { c.Freeze, c.Augment, c.Workers, c.EMADecay = "backbone", "none", 2, 0.8 }},
	{"multi-label, weights of classes, mixup and cutmix, weight average", func(c *config.Config) {
		c.MultiLabel, c.PosWeight, c.MixUp, c.CutMix, c.EMADecay, c.Workers = true, config.PosWeightBalanced, 0.2, 1, 0.8, 2
	}},
	{"multi-label, cached features", func(c *config.Config) {
		c.MultiLabel, c.Freeze, c.UnfreezeAfter, c.Augment, c.Accumulate = true, "backbone", 2, "none", 2
	}},
	{"fp16, clip, weight average", func(c *config.Config) { c.Precision, c.ClipGradNorm, c.EMADecay, c.Epochs = "fp16", 1, 0.8, 2 }},
	{"fp16, accumulate, adamw, cached features, then not", func(c *config.Config) {
		c.Precision, c.Accumulate, c.Optimizer, c.LR, c.Freeze, c.UnfreezeAfter, c.Augment = "fp16", 2, "adamw", 1e-3, "backbone", 1, "none"
	}},
	{"randaug, jitter, erasing, mixup and cutmix", func(c *config.Config) {
		c.Workers, c.Augment, c.RandomErase, c.MixUp, c.CutMix = 2, "randaug", 0.25, 0.2, 1
		c.ColorJitter = [4]float64{0.4, 0.4, 0.4, 0.1}
	}},
}

// TestResumeIsExact: a run that is interrupted, or killed at any moment, and continued ends with
// the same bytes as one that is not, and records each step once.
func TestResumeIsExact(t *testing.T) {
	data := testset.Images(t, 14, 3) // batches of 8, 8, 8, 8, 8 and 2
	ends := map[string]endState{}
	for _, c := range resumeCases {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			c.change(&config)
			want := outcome(t, fit(t, config))
			ends[c.name] = want
			t.Run("interrupted", func(t *testing.T) { checkOutcome(t, outcome(t, interrupted(t, Trainer{}, config)), want) })
			t.Run("killed", func(t *testing.T) { checkOutcome(t, outcome(t, killed(t, config, 3, false)), want) })
		})
	}
	t.Run("workers change nothing", func(t *testing.T) { checkOutcome(t, ends["sgd, 4 workers"], ends["sgd, no workers"]) })
}

// interrupted cancels the context at random steps, once during validation, and resumes each time.
func interrupted(t *testing.T, trainer Trainer, c config.Config) Result {
	t.Helper()
	c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
	rng := rand.New(rand.NewPCG(uint64(len(t.Name())), 1))
	for i := 0; ; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		after := 1 + rng.IntN(4)
		result, err := trainer.Fit(ctx, c, recorderFunc(interruptAfter(after, i, 5, cancel)))
		cancel()
		if err == nil {
			if i < 3 {
				t.Errorf("interrupted %d times only", i)
			}
			return result
		}
		if !errors.Is(err, ErrInterrupted) {
			t.Fatal(err)
		}
	}
}

// killed runs processes of their own and sends them SIGKILL at random moments, the first before or about its first step,
// and lets the last one finish. The network is the configured one, or smallGraph.
func killed(t *testing.T, c config.Config, times int, graph bool) Result {
	t.Helper()
	out := filepath.Join(t.TempDir(), "run")
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, string(text))
	trainProcess(t, path, out, 0, rand.N(400*time.Millisecond), graph)
	for range times - 1 {
		trainProcess(t, path, out, 1+rand.IntN(2), rand.N(15*time.Millisecond), graph)
	}
	trainProcess(t, path, out, -1, 0, graph)
	c.Out, c.Resume = out, "auto"
	var trainer Trainer
	if graph {
		trainer.Graph = graphOrFail(t)
	}
	result, err := trainer.Fit(t.Context(), c, ignore) // already finished: returns the result
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// trainProcess starts the trainer and kills it a delay after the given number of steps, or of its end if that comes
// first; -1 lets it finish.
func trainProcess(t *testing.T, config, out string, steps int, delay time.Duration, graph bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), trainerEnv+"="+config, trainerOutEnv+"="+out)
	if graph {
		cmd.Env = append(cmd.Env, trainerGraphEnv+"=1")
	}
	if steps >= 0 {
		cmd.Env = append(cmd.Env, trainerPauseEnv+"=1")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	seen := 0
	for (steps < 0 || seen < steps) && lines.Scan() {
		seen++
	}
	if steps >= 0 {
		time.Sleep(delay)
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	for lines.Scan() {
	}
	if err = cmd.Wait(); (err == nil) != (steps < 0) || stderr.Len() > 0 {
		t.Fatalf("%v: %s", err, &stderr)
	}
}

// endState is all that may not depend on interruptions.
type endState struct {
	final, best string   // SHA-256 of the last checkpoint and of best.safetensors
	events      []string // steps and epochs without their speed
	metrics     []string // rows of metrics.csv, likewise
}

func outcome(t *testing.T, r Result) endState {
	t.Helper()
	end := endState{
		final: hashOf(t, filepath.Join(r.Dir, weights.CheckpointFolder, fmt.Sprintf("step-%08d.safetensors", r.Step))),
		best:  hashOf(t, filepath.Join(r.Dir, weights.BestFile)),
	}
	for line := range bytes.Lines(testset.Contents(t, filepath.Join(r.Dir, eventsFile))) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e["event"] == "step" || e["event"] == "epoch" {
			for _, clock := range []string{"images_per_second", "seconds", "data_wait_share"} {
				delete(e, clock)
			}
			end.events = append(end.events, fmt.Sprint(e)) // a map prints in the order of its keys
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(testset.Contents(t, filepath.Join(r.Dir, metricsFile)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for i := len(row) - 1; i >= 0; i-- {
			if name := rows[0][i]; strings.Contains(name, "second") || strings.Contains(name, "wait") {
				row = slices.Delete(slices.Clone(row), i, i+1)
			}
		}
		end.metrics = append(end.metrics, strings.Join(row, ","))
	}
	if len(end.events) != int(r.Step)+r.Epochs || len(end.metrics) != 1+r.Epochs {
		t.Errorf("%d events and %d rows of %d steps and %d epochs", len(end.events), len(end.metrics), r.Step, r.Epochs)
	}
	return end
}

func checkOutcome(t *testing.T, got, want endState) {
	t.Helper()
	if got.final != want.final {
		t.Errorf("the last checkpoint is %s, want %s", got.final, want.final)
	}
	if got.best != want.best {
		t.Errorf("%s is %s, want %s", weights.BestFile, got.best, want.best)
	}
	if !slices.Equal(got.events, want.events) {
		t.Errorf("events\n%s\nwant\n%s", strings.Join(got.events, "\n"), strings.Join(want.events, "\n"))
	}
	if !slices.Equal(got.metrics, want.metrics) {
		t.Errorf("metrics\n%s\nwant\n%s", strings.Join(got.metrics, "\n"), strings.Join(want.metrics, "\n"))
	}
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprintf("%x", sha256.Sum256(testset.Contents(t, path)))
}
