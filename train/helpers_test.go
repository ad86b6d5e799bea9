package train

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/config"
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
