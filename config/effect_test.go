package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// written writes a file of settings into a new folder.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWithoutEffect: settings of a configuration and of a user's recipe that have no effect are named with their line; those that
// nobody chose are not, such as a recipe's in the file of a run.
func TestWithoutEffect(t *testing.T) {
	for _, c := range []struct {
		name, file, recipe string
		set                func(*Config)
		want               []string
	}{
		{"every need of a value", "step_epochs: 3\ngamma: 0.5\nplateau_patience: 3\nplateau_threshold: 0.1\nplateau_cooldown: 1\nplateau_min_lr: 0.1\nfocal_gamma: 3\naugment: none\nflip: 0.1\ncrop_scale: [0.5, 1]\ncrop_ratio: [1, 1]\n", "", nil, []string{
			"c.yaml:1: step_epochs has no effect with schedule cosine: it is for schedule step or exp",
			"c.yaml:2: gamma has no effect with schedule cosine: it is for schedule step, exp or plateau",
			"c.yaml:3: plateau_patience has no effect with schedule cosine: it is for schedule plateau",
			"c.yaml:4: plateau_threshold has no effect with schedule cosine: it is for schedule plateau",
			"c.yaml:5: plateau_cooldown has no effect with schedule cosine: it is for schedule plateau",
			"c.yaml:6: plateau_min_lr has no effect with schedule cosine: it is for schedule plateau",
			"c.yaml:7: focal_gamma has no effect with loss auto: it is for loss focal",
			"c.yaml:9: flip has no effect with augment none: it is for augment basic",
			"c.yaml:10: crop_scale has no effect with augment none: it is for augment basic",
			"c.yaml:11: crop_ratio has no effect with augment none: it is for augment basic",
		}},
		{"every need of another setting", "ema_warmup: none\nema_steps: 2\nswa_lr: 0.1\nmin_delta: 0.1\nmonitor: loss\n", "", nil, []string{
			"c.yaml:1: ema_warmup has no effect without ema_decay",
			"c.yaml:2: ema_steps has no effect without ema_decay",
			"c.yaml:3: swa_lr has no effect without swa_epochs",
			"c.yaml:4: min_delta has no effect without patience",
			"c.yaml:5: monitor has no effect without patience or schedule plateau",
		}},
		{"needs that are met", "schedule: plateau\ngamma: 0.5\nplateau_patience: 3\nmonitor: loss\nloss: focal\nfocal_gamma: 3\n", "", nil, nil},
		{"what is off", "augment: none\nflip: 0\n", "", nil, nil},
		{"the default's value", "focal_gamma: 2\nmonitor: top1\n", "", nil, nil},
		{"the value of the file's recipe", "recipe: finetune\naugment: none\ncrop_scale: [0.35, 1]\n", "", nil, nil},
		{"a schedule of the caller's", "schedule: exp\ngamma: 0.5\n", "", func(c *Config) { c.Schedule = "cosine" }, []string{"c.yaml:2: gamma has no effect with schedule cosine: it is for schedule step, exp or plateau"}},
		{"a value of the caller's", "gamma: 0.5\n", "", func(c *Config) { c.Gamma = 0 }, nil},
		{"a user's recipe", "", "name: own\nsettings:\n  epochs: 3\n  swa_lr: 0.1\n", nil, []string{"r.yaml:4: swa_lr has no effect without swa_epochs"}},
		{"a recipe of the program", "", "finetune", func(c *Config) { c.Augment = "none" }, nil},
		{"an unknown schedule, which the validation reports", "schedule: cosin\ngamma: 0.5\n", "", nil, nil},
	} {
		s := Sources{Recipe: c.recipe}
		if c.file != "" {
			s.File = written(t, "c.yaml", c.file)
		}
		if strings.Contains(c.recipe, "\n") {
			s.Recipe = written(t, "r.yaml", c.recipe)
		}
		got, err := s.Config()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.set != nil {
			c.set(&got)
		}
		list, err := got.WithoutEffect()
		for i := range list {
			list[i] = filepath.Base(list[i]) // without the folder
		}
		if err != nil || !slices.Equal(list, c.want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, strings.Join(list, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestNeeds: every setting of the table exists.
func TestNeeds(t *testing.T) {
	order := settingOrder()
	for _, n := range Needs {
		for _, s := range n.Settings {
			if !slices.Contains(order, s) {
				t.Errorf("no setting %s", s)
			}
		}
		if n.Key != "" && !slices.Contains(order, n.Key) {
			t.Errorf("no setting %s", n.Key)
		}
	}
}
