package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLaunched(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(dir, text string) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("runs/photos-1", "# launch: torchrun job1\nepochs: 3\n")
	write("runs/photos-2", "# depthwise\n# launch: torchrun job2\nepochs: 3\n")
	write("runs/birds-1", "epochs: 3\n")
	write("runs/cats-1", "")
	for _, tt := range []struct {
		name, launch, data, out string
		want                    bool
	}{
		{"the last run", "torchrun job2", "photos", "", true},
		{"a run before the last", "torchrun job1", "photos", "", false},
		{"a longer name", "torchrun job22", "photos", "", false},
		{"a shorter name", "torchrun job", "photos", "", false},
		{"its folder is named", "torchrun job1", "photos", "runs/photos-1", true},
		{"another folder is named", "torchrun job1", "photos", "runs/photos-2", false},
		{"a run without a launcher", "torchrun job1", "birds", "", false},
		{"a folder without settings", "torchrun job1", "cats", "", false},
		{"no run yet", "torchrun job1", "dogs", "", false},
		{"no folder yet", "torchrun job1", "dogs", "new", false},
		{"no launcher", "", "photos", "", false},
	} {
		c := Default()
		c.Launch, c.Data, c.Out = tt.launch, tt.data, tt.out
		if got := c.Launched(); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
