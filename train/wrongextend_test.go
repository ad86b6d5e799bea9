package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/weights"
)

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
		{"a limit of time", func(c *config.Config) { c.Time, c.Epochs = time.Hour, 2 }, func(c *config.Config) { c.ExtendEpochs = 2 }, "its time limit (--time 1h0m0s), which more epochs do not change"},
		{"other settings too", nil, func(c *config.Config) { c.ExtendEpochs, c.LR = 2, 0.5 }, "--lr was 0.02 and is 0.5; use"},
		{"other images", nil, func(c *config.Config) { c.ExtendEpochs, c.Data = 2, testset.Images(t, 7, 2) }, "not the same files"},
		{"by another number of epochs", nil, func(c *config.Config) { c.Epochs = 4 }, "--epochs was 1 and is 4 (train resume with --extend-epochs 3 makes the run longer)"},
		{"to fewer epochs", func(c *config.Config) { c.Epochs = 2 }, func(c *config.Config) { c.Epochs = 1 }, "--epochs was 2 and is 1; use"},
		{"a run without a checkpoint", func(c *config.Config) { c.StopAfter = 1 }, func(c *config.Config) {
			c.ExtendEpochs = 2
			os.RemoveAll(filepath.Join(c.Out, weights.CheckpointFolder))
		}, "has no checkpoint yet, and nothing to extend: start it with train --config "},
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
