package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/config"
)

// TestRecipes: the list names every recipe with purpose and source; the description of one has its settings, results and
// command; --json has the same.
func TestRecipes(t *testing.T) {
	table := strings.Join(strings.Fields(done(t, "recipes")), " ")
	for _, r := range config.Recipes() {
		for _, want := range []string{r.Name + " " + r.Purpose, "source: " + r.Source} {
			if !strings.Contains(table, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("the table lacks %q", want)
			}
		}
		text := strings.Join(strings.Fields(done(t, "recipes", r.Name)), " ")
		settings, err := r.Settings()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{r.Purpose, r.Source, r.Expected, r.Command} {
			if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s: %q is missing in %s", r.Name, want, text)
			}
		}
		var d recipeDoc
		if err := json.Unmarshal([]byte(done(t, "recipes", r.Name, "--json")), &d); err != nil || d.Name != r.Name || d.Expected != r.Expected || len(d.Settings) != len(settings) {
			t.Errorf("%s: %+v, %v", r.Name, d, err)
		}
	}
	var list []recipeDoc
	if err := json.Unmarshal([]byte(done(t, "recipes", "--json")), &list); err != nil || len(list) != len(config.Recipes()) || list[0].Purpose == "" {
		t.Errorf("%+v, %v", list, err)
	}
	for _, line := range strings.Split(done(t, "recipes"), "\n") {
		if len(line) > 100 { // an address is not broken
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}

// TestRecipeText is the description of a recipe of one's own.
func TestRecipeText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("name: mine\npurpose: herbarium sheets\nexpected: 91 %\nsettings:\n  lr: 0.3\n  seed: 0\n  crop_scale: [0.5, 1]\n  no_decay: [norm, bias]\n  plateau_threshold: 0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := `name           mine
purpose        herbarium sheets
expected       91 %

settings that differ from the defaults:
  lr                 0.3
  no_decay           [norm, bias]
  plateau_threshold  0.1
  crop_scale         [0.5, 1]
`
	if got := done(t, "recipes", file); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// resolved are the settings of a command line.
func resolved(t *testing.T, args ...string) config.Config {
	t.Helper()
	s := newSettings()
	cmd := configured(s)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	c, err := s.checked(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRecipeByTheCommandLine is the table of what a command line leaves to the data. Flags keep their values, also those
// that are the defaults.
func TestRecipeByTheCommandLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("data: photos\nlr: 0.2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const photos = "600 training images of 20 classes, no --init"
	for _, c := range []struct{ name, args, recipe, line string }{
		{"nothing", "--data photos", "scratch-small", "recipe scratch-small: " + photos + "; --init imagenet is usually more accurate"},
		{"width with published weights", "--data photos --width 0.5", "scratch-small", "recipe scratch-small: " + photos + "; --init imagenet is usually more accurate"},
		{"width without published weights", "--data photos --width 0.3", "scratch-small", "recipe scratch-small: " + photos},
		{"a variant, which --init would contradict", "--data photos --variant article", "scratch-small", "recipe scratch-small: " + photos},
		{"v2", "--data photos --arch mobilenet_v2", "scratch-small", "recipe scratch-small: " + photos + "; --init imagenet is usually more accurate"},
		{"flags of the defaults", "--data photos --epochs 90 --lr 0.05 --width 0.3", "scratch-small", "recipe scratch-small, except --lr and --epochs: " + photos},
		{"auto by name", "--data photos --recipe auto --width 0.3", "scratch-small", "recipe scratch-small: " + photos},
		{"a file is a full configuration", "--config " + file, "", ""},
		{"auto over a file", "--recipe auto --width 0.3 --config " + file, "scratch-small", "recipe scratch-small: " + photos},
		{"none", "--data photos --recipe none", "none", ""},
		{"named", "--data photos --recipe modern", "modern", ""},
		{"mnist", "--data mnist --epochs 1", "mnist", "recipe mnist, except --epochs: the data is MNIST, 600 training images of 20 classes"},
		{"crops of mnist", "--data mnist --crop-scale 0.5,1", "mnist", "recipe mnist, except --augment: the data is MNIST, 600 training images of 20 classes"},
	} {
		got, line, err := resolved(t, strings.Fields(c.args)...).Choose(config.Images{Train: 600, Classes: 20})
		if err != nil || got.Recipe != c.recipe || line != c.line {
			t.Errorf("%s: %q, %v\ngot  %q\nwant %q", c.name, got.Recipe, err, line, c.line)
		}
		if strings.Contains(c.args, "--epochs 90") && (got.Epochs != 90 || got.Schedule != "cosine") {
			t.Errorf("%s: %d epochs, %s", c.name, got.Epochs, got.Schedule)
		}
	}
}

// TestEXIFFlag: the flag alone is true, as before it had a third value.
func TestEXIFFlag(t *testing.T) {
	for args, want := range map[string]config.EXIF{"": config.EXIFAuto, "--exif": config.EXIFOn, "--exif=true": config.EXIFOn, "--exif=1": config.EXIFOn,
		"--exif=false": config.EXIFOff, "--exif=auto": config.EXIFAuto, "--exif --exif=auto": config.EXIFAuto} {
		if got := resolved(t, append([]string{"--data", "photos"}, strings.Fields(args)...)...).EXIF; got != want {
			t.Errorf("%q: %q, want %q", args, got, want)
		}
	}
}
