package train

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestPatience: values, and the number of epochs without improvement after each of them. Expected values are those of
// Keras' EarlyStopping.
func TestPatience(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name     string
		maximize bool
		minDelta float64
		values   []float64
		waited   []int
	}{
		{"accuracy", true, 0, []float64{0.1, 0.2, 0.2, 0.1, 0.3}, []int{0, 0, 1, 2, 0}},
		{"loss", false, 0, []float64{2, 1, 1, 3, 0.5}, []int{0, 0, 1, 2, 0}},
		{"small steps", true, 0.1, []float64{0.1, 0.15, 0.25, 0.3, 0.36}, []int{0, 1, 0, 1, 0}},
		{"NaN", false, 0, []float64{nan, 1, nan, 0.5}, []int{1, 0, 1, 0}},
		{"accuracy of 0", true, 0, []float64{0, 0, 0.1}, []int{0, 1, 0}},
		{"loss below 0", false, 0, []float64{-1, -2, -1}, []int{0, 0, 1}},
	} {
		var p patience
		for i, v := range c.values {
			p.observe(v, i+1, c.maximize, c.minDelta)
			if p.Waited != c.waited[i] {
				t.Errorf("%s: %d epochs after value %d, want %d", c.name, p.Waited, i+1, c.waited[i])
			}
		}
	}
}

func TestMonitored(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name       string
		e          report.Epoch
		top1, loss float64
	}{
		{"no validation", report.Epoch{}, nan, nan},
		{"weights", report.Epoch{ValImages: 1, ValTop1: 0.5, ValLoss: 2, EMAValTop1: 0.9}, 0.5, 2},
		{"a better average", report.Epoch{ValImages: 1, ValTop1: 0.5, ValLoss: 2, Averaged: true, EMAValTop1: 0.6, EMAValLoss: 1}, 0.6, 1},
		{"a worse average", report.Epoch{ValImages: 1, ValTop1: 0.5, ValLoss: 2, Averaged: true, EMAValTop1: 0.4, EMAValLoss: 3}, 0.5, 2},
		{"the weights diverged", report.Epoch{ValImages: 1, ValTop1: 0.5, ValLoss: nan, Averaged: true, EMAValTop1: 0.4, EMAValLoss: 3}, 0.4, 3},
		{"all diverged", report.Epoch{ValImages: 1, ValTop1: 0.5, ValLoss: math.Inf(1)}, nan, nan},
	} {
		for monitor, want := range map[string]float64{config.MonitorTop1: c.top1, config.MonitorLoss: c.loss} {
			if got := monitored(monitor, false, c.e); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%s, %s: %v, want %v", c.name, monitor, got, want)
			}
		}
	}
}

// TestEarlyStopping: a run without improvement ends, says why, says so again when it is resumed, and can be extended.
func TestEarlyStopping(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))     // 3 steps an epoch
	c.Epochs, c.Patience, c.MinDelta = 9, 2, 1 // more than a top-1 can improve
	result, events := fitBy(t, Trainer{}, c)
	const reason = "val top-1 has not improved for 2 epochs, since epoch 1"
	if result.Epochs != 3 || !result.Finished || result.Stopped != reason {
		t.Errorf("%+v", result)
	}
	if done, ok := events[len(events)-1].(report.Done); !ok || done.Status != report.Finished || done.Reason != reason {
		t.Errorf("%+v", events[len(events)-1])
	}
	result, events = fitBy(t, Trainer{}, resumed(t, c.Out, 0))
	if note, ok := events[len(events)-1].(report.Note); result.Epochs != 3 || !ok || !strings.Contains(note.Text, "it ended early: "+reason) {
		t.Errorf("resumed: %+v, %+v", result, events)
	}
	if result = fit(t, resumed(t, c.Out, 1)); result.Epochs != 5 || result.Stopped != "val top-1 has not improved for 2 epochs, since epoch 1" {
		t.Errorf("extended: %+v", result)
	}
}

// TestNotStoppedEarly: a run that ends anyway is not said to have stopped early.
func TestNotStoppedEarly(t *testing.T) {
	for _, change := range []func(*config.Config){func(c *config.Config) { c.Epochs = 3 }, func(c *config.Config) { c.MaxSteps = 8 }} {
		c := small(t, testset.Images(t, 6, 2))
		c.Epochs, c.Patience, c.MinDelta = 9, 2, 100
		change(&c)
		if result := fit(t, c); result.Epochs != 3 || result.Stopped != "" || !result.Finished {
			t.Errorf("%+v", result)
		}
	}
}

// TestPlateau: the learning rate falls after the epochs without improvement, from the next epoch on, and each decay is noted.
func TestPlateau(t *testing.T) {
	c := small(t, testset.Images(t, 6, 2))
	c.Schedule, c.PlateauPatience, c.PlateauThreshold, c.Gamma, c.Epochs, c.Monitor = "plateau", 1, 1, 0.5, 6, "loss" // a threshold of 1: the loss never improves
	_, events := fitBy(t, Trainer{}, c)
	want := map[int]float64{1: 0.02, 2: 0.02, 3: 0.02, 4: 0.01, 5: 0.01, 6: 0.005}
	var notes []string
	for _, e := range events {
		switch e := e.(type) {
		case report.Step:
			if math.Abs(e.LR-want[e.Epoch]) > 1e-12 {
				t.Errorf("epoch %d: learning rate %v, want %v", e.Epoch, e.LR, want[e.Epoch])
			}
		case report.Note:
			if strings.Contains(e.Text, "the learning rate falls") {
				notes = append(notes, e.Text)
			}
		}
	}
	if len(notes) != 2 || notes[0] != "epoch 3: val loss has not improved for 2 epochs: the learning rate falls from 0.02 to 0.01" {
		t.Errorf("notes %q", notes)
	}
}

// TestNeedsValidation: what observes the validation images needs some.
func TestNeedsValidation(t *testing.T) {
	images := testset.Images(t, 6, 0)
	for flag, change := range map[string]func(*config.Config){
		"--patience":         func(c *config.Config) { c.Patience = 3 },
		"--schedule plateau": func(c *config.Config) { c.Schedule = "plateau" },
		"--swa-epochs":       func(c *config.Config) { c.SWAEpochs = 2 },
	} {
		c := small(t, images)
		change(&c)
		_, err := Fit(t.Context(), c, ignore)
		if err == nil || !strings.Contains(err.Error(), "--val-split 0.1") {
			t.Errorf("%s: error %v", flag, err)
		}
		if left, _ := filepath.Glob(c.Out); left != nil {
			t.Errorf("%s: %v is left", flag, left)
		}
	}
}
