package train

import (
	"math"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/optim"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

func TestAverageHorizon(t *testing.T) {
	for _, c := range []struct {
		decay float64
		steps int64
		want  string // a part of the warning; "": none
	}{
		{0, 10, ""},
		{0.9999, 10_001, ""},
		{0.9999, 9_999, "averages over about 10000 steps, and the run has 9999"},
		{0.9999, 240, "--ema-decay 0.979 averages over a fifth"}, // 1-1/48 is 0.9791...
		{0.99, 100, ""},
		{0.99, 50, "--ema-decay 0.9 averages over a fifth"},
		{0.9999, 5, "leave the flag out"},
		{0.5, 1, "leave the flag out"},
	} {
		r := &run{totalSteps: c.steps}
		r.config = config.Default()
		r.config.EMADecay, r.config.EMAWarmup = c.decay, config.WarmupNone
		got := r.averageHorizon()
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("decay %v, %d steps: %q, want %q", c.decay, c.steps, got, c.want)
		}
		_, advice, ok := strings.Cut(got, "; --ema-decay ")
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(advice, " ")
		decay, err := strconv.ParseFloat(text, 64)
		r.config.EMADecay = decay
		if again := r.averageHorizon(); err != nil || !(decay > 0 && decay < 1) || again != "" {
			t.Errorf("the advice %q gives %q, %v", text, again, err)
		}
	}
}

// TestAverageThatNeverArrives: an average over more steps than the run has is announced before the
// first step, and best.safetensors holds the weights themselves, which are better. Resuming gives the
// same bytes.
func TestAverageThatNeverArrives(t *testing.T) {
	c := small(t, testset.Images(t, 14, 6))
	c.EMADecay, c.EMAWarmup, c.Epochs, c.Keep = 0.9999, config.WarmupNone, 8, 99
	c.Model.Resolution, c.Model.BNMomentum, c.Augment, c.LR, c.LabelSmoothing = 64, 0.5, "none", 0.05, 0 // reaches a high accuracy in a few steps
	r, events := fitBy(t, Trainer{}, c)
	warned, stepped, noted, greatest, average := false, false, false, 0.0, 0.0
	for _, e := range events {
		switch e := e.(type) {
		case report.Step:
			stepped = true
		case report.Note:
			warned = warned || !stepped && e.Level == report.Warning && strings.Contains(e.Text, "--ema-decay 0.9999")
			noted = noted || strings.Contains(e.Text, "holds the weights of epoch")
		case report.Epoch:
			greatest, average = max(greatest, e.ValTop1), max(average, e.EMAValTop1)
		}
	}
	if average >= greatest {
		t.Fatalf("the average reaches %v and the weights %v, so this tests nothing", average, greatest)
	}
	if !warned || !noted {
		t.Errorf("warned before the first step: %v, noted at the end: %v", warned, noted)
	}
	best := readOrFail(t, r.Dir)
	if r.BestTop1 != greatest || best.Raw != nil || !strings.Contains(best.Meta[weights.MetaBest], `"plain":true`) {
		t.Errorf("best top-1 %v, the weights reach %v; metadata %s", r.BestTop1, greatest, best.Meta[weights.MetaBest])
	}
	if got := evaluate(t, r.Dir, c.Data); got.Top1 != greatest {
		t.Errorf("%s has top-1 %v, want %v", weights.BestFile, got.Top1, greatest)
	}
	checkPlainBest(t, c, best)
	checkOutcomeOfAverage(t, c, r)
}

// checkPlainBest: best.safetensors has the arrays of the checkpoint's weights, not of its average, and is written again from it.
func checkPlainBest(t *testing.T, c config.Config, best weights.Weights) {
	t.Helper()
	store := checkpoints.Store{Dir: filepath.Join(c.Out, weights.CheckpointFolder)}
	var found bool
	for step := int64(1); ; step++ {
		w, err := formats.Read(store.Path(step))
		if err != nil {
			break
		}
		found = found || reflect.DeepEqual(w.Plain().Arrays, best.Arrays)
	}
	if !found {
		t.Error("no checkpoint has the weights of best.safetensors")
	}
}

func checkOutcomeOfAverage(t *testing.T, c config.Config, r Result) {
	t.Helper()
	want := outcome(t, r)
	checkOutcome(t, outcome(t, interrupted(t, Trainer{}, c)), want)
}

func TestBetterOf(t *testing.T) {
	score := func(top1 int, loss float64) classify.Score { return classify.Score{Images: 10, Top1: top1, Loss: loss} }
	for _, c := range []struct {
		name   string
		scores []classify.Score
		plain  bool
		top1   float64
	}{
		{"no average", []classify.Score{score(5, 1)}, false, 0.5},
		{"the average is better", []classify.Score{score(5, 1), score(6, 1)}, false, 0.6},
		{"equal", []classify.Score{score(5, 1), score(5, 2)}, false, 0.5},
		{"the weights are better", []classify.Score{score(7, 1), score(6, 1)}, true, 0.7},
		{"the average is not finite", []classify.Score{score(5, 1), score(6, math.NaN())}, true, 0.5},
		{"the weights are not finite", []classify.Score{score(7, math.NaN()), score(6, 1)}, false, 0.6},
	} {
		r := &run{images: images{train: &data.Dataset{}}}
		if len(c.scores) > 1 {
			r.average = &optim.Average{}
		}
		if got := r.betterOf(c.scores); got.Plain != c.plain || got.Top1 != c.top1 || got.Epoch != 1 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
