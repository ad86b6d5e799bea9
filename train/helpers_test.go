package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/models"
	"depthwise.dev/report"
)

// small is a run of a second on pictures.
func small(t *testing.T, data string) config.Config {
	t.Helper()
	c := config.Default()
	c.Data, c.Out = data, filepath.Join(t.TempDir(), "run")
	c.Model.Width, c.Model.Resolution = 0.25, 32
	c.Epochs, c.BatchSize, c.Workers, c.Threads = 3, 8, 0, 1
	c.LR, c.CropScale = 0.02, [2]float64{0.35, 1}
	c.Precision, c.Device, c.CheckpointEvery, c.Seed = "fp32", "cpu", "1steps", 5
	return c
}

// fit trains and must succeed.
func fit(t *testing.T, c config.Config) Result {
	t.Helper()
	result, err := Fit(context.Background(), c, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallGraph is a convolutional network that no architecture has, for images of 32x32. Names of its layers look like those
// of other arrays of a checkpoint.
func smallGraph(classes int) (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 3, Height: 32, Width: 32})
	x = x.Conv(models.Conv{Out: 8, Kernel: 5, Stride: 2, Bias: true}).Named("Stem/größe 1").BatchNorm(models.BatchNorm{}).ReLU()
	x = x.Conv(models.Conv{Out: 8, Kernel: 3}).Named("ema/conv").BatchNorm(models.BatchNorm{}).Add(x).ReLU()
	x = x.Conv(models.Conv{Out: 16, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU6()
	return models.Build("small CNN", x.GlobalAvgPool().Dropout(0.1).Linear(models.Linear{Out: classes}))
}

func graphOrFail(t *testing.T) *models.Graph {
	t.Helper()
	g, err := smallGraph(3)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// fitBy trains and must succeed. It returns the events too.
func fitBy(t *testing.T, trainer Trainer, c config.Config) (Result, []report.Event) {
	t.Helper()
	var events []report.Event
	result, err := trainer.Fit(t.Context(), c, recorderFunc(func(e report.Event) error { events = append(events, e); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	return result, events
}

// interruptAfter returns what records the events of attempt i of a run, from 0, and interrupts the first ones, as many as attempts,
// after some steps, and the third one also in its validation.
func interruptAfter(steps, i, attempts int, interrupt func()) func(report.Event) error {
	return func(e report.Event) error {
		switch e.(type) {
		case report.Step:
			steps--
		case report.Validation:
			if i == 2 {
				steps = 0
			}
		}
		if i < attempts && steps <= 0 {
			interrupt()
		}
		return nil
	}
}

// timeLimits are the settings that limit the time of a run, which no test reaches by computing.
var timeLimits = []struct {
	name  string
	limit func(*config.Config)
}{
	{"--time", func(c *config.Config) { c.Time = time.Minute }},
	{"--stop-after", func(c *config.Config) { c.StopAfter = time.Minute }},
}
