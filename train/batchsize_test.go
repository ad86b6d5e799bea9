package train

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestBatchSizeAuto: a number is announced and recorded, the run is that of this number, and resuming keeps it.
func TestBatchSizeAuto(t *testing.T) {
	dir := testset.Images(t, 40, 2)
	for _, v := range []struct {
		name   string
		change func(c *config.Config)
	}{
		{"plain", func(*config.Config) {}},
		{"accumulate, frozen backbone", func(c *config.Config) { c.Accumulate, c.Freeze = 2, "backbone" }},
		{"class weights, mixed images", func(c *config.Config) { c.ClassWeights, c.MixUp = "balanced", 0.2 }},
		{"multi-label", func(c *config.Config) { c.MultiLabel = true }},
	} {
		t.Run(v.name, func(t *testing.T) {
			c := small(t, dir)
			v.change(&c)
			c.BatchSize, c.Epochs = config.AutoBatchSize, 2
			note := ""
			_, err := Fit(t.Context(), c, recorderFunc(func(e report.Event) error {
				if n, ok := e.(report.Note); ok && strings.HasPrefix(n.Text, "batch size ") {
					note = n.Text
				}
				return nil
			}))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(note, "img/s") || !strings.Contains(note, "is not scaled") {
				t.Errorf("announced: %q", note)
			}
			recorded, err := config.Load(filepath.Join(c.Out, configFile))
			if err != nil || recorded.BatchSize < 1 {
				t.Fatalf("recorded %d, error %v", recorded.BatchSize, err)
			}
			same := c
			same.Out, same.BatchSize = filepath.Join(t.TempDir(), "same"), recorded.BatchSize
			fit(t, same)
			if !bytes.Equal(testset.Contents(t, c.Out+"/best.safetensors"), testset.Contents(t, same.Out+"/best.safetensors")) {
				t.Error("the run with the recorded number has other weights")
			}
			again := c
			again.Resume, again.ExtendEpochs = "auto", 1
			if result := fit(t, again); result.Epochs != 3 {
				t.Errorf("resumed with --batch-size auto: %d epochs", result.Epochs)
			}
		})
	}
}

// TestBatchSizeOfRecipe: without a recipe that has one, the rate is meant for the default.
func TestBatchSizeOfRecipe(t *testing.T) {
	for recipe, want := range map[string]int{"": 32, "none": 32, "mnist": 128, "scratch-small": 32} {
		c := config.Default()
		c.Recipe, c.BatchSize = recipe, config.AutoBatchSize
		if got, err := c.RecipeBatchSize(); err != nil || got != want {
			t.Errorf("%q: %d, error %v; want %d", recipe, got, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "auto.yaml")
	if err := os.WriteFile(path, []byte("batch_size: auto\ndata: x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := config.Load(path); err != nil || c.BatchSize != config.AutoBatchSize {
		t.Errorf("batch_size: auto in a file is %d, error %v", c.BatchSize, err)
	}
}
