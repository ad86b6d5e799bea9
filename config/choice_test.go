package config

import (
	"strings"
	"testing"
	"time"

	"depthwise.dev/weights"
)

// TestChoose is the table of the recipes that data and weights suggest, with the line that says so.
func TestChoose(t *testing.T) {
	photos, large := Images{Train: 600, Classes: 20}, Images{Train: 1_281_167, Classes: 1000}
	for _, c := range []struct {
		name      string
		file      string
		sources   Sources
		published string
		change    func(*Config) // after the sources, as flags
		images    Images
		recipe    string
		line      string
		check     func(Config) bool
	}{
		{name: "small folder", sources: Sources{Data: "photos", Recipe: "auto"}, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.LR == 0.1 && c.Epochs == 180 }},
		{name: "published weights exist", sources: Sources{Data: "photos", Recipe: "auto"}, published: "imagenet", images: photos, recipe: "scratch-small",
			line: "recipe scratch-small: 600 training images of 20 classes, no --init; --init imagenet is usually more accurate"},
		{name: "just below the limit", sources: Sources{Data: "photos", Recipe: "auto"}, images: Images{19_999, 100}, recipe: "scratch-small",
			line: "recipe scratch-small: 19999 training images of 100 classes, no --init"},
		{name: "at the limit", sources: Sources{Data: "photos", Recipe: "auto"}, published: "imagenet", images: Images{20_000, 100}, recipe: "imagenet",
			line: "recipe imagenet: 20000 training images of 100 classes (20000 or more), no --init"},
		{name: "ImageNet", sources: Sources{Data: "s3://bucket/train-{000..127}.tar", Recipe: "auto"}, images: large, recipe: "imagenet",
			line:  "recipe imagenet: 1281167 training images of 1000 classes (20000 or more), no --init",
			check: func(c Config) bool { return c.CropScale[0] == 0.08 && c.Epochs == 90 }},
		{name: "weights to start from", sources: Sources{Data: "photos", Recipe: "auto", Init: "w.safetensors"}, images: photos, recipe: "finetune",
			line:  "recipe finetune: starts from --init, 600 training images of 20 classes",
			check: func(c Config) bool { return c.Freeze == "blocks:4" }},
		{name: "weights and a large data set", sources: Sources{Data: "photos", Recipe: "auto", Init: "w.safetensors"}, images: large, recipe: "finetune",
			line: "recipe finetune: starts from --init, 1281167 training images of 1000 classes"},
		{name: "MNIST", sources: Sources{Data: "mnist", Recipe: "auto"}, images: Images{60_000, 10}, recipe: "mnist",
			line:  "recipe mnist: the data is MNIST, 60000 training images of 10 classes",
			check: func(c Config) bool { return c.Model.Resolution == 32 && c.Flip == 0 }},
		{name: "named", sources: Sources{Data: "photos", Recipe: "paper"}, images: photos, recipe: "paper"},
		{name: "none", sources: Sources{Data: "photos", Recipe: "none"}, images: photos, recipe: "none",
			check: func(c Config) bool { return c.CropScale[0] == 0.08 }},
		{name: "a program that names none", sources: Sources{Data: "photos"}, images: photos, recipe: ""},
		{name: "a file without a recipe", file: "lr: 0.3\n", images: photos, recipe: ""},
		{name: "a file that leaves it to the data, and takes precedence", file: "recipe: auto\ndata: photos\ncrop_scale: [0.5, 1]\n", images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --crop-scale: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.CropScale[0] == 0.5 && c.LR == 0.1 }},
		{name: "auto over a file", file: "recipe: paper\nseed: 4\nlr: 0.3\n", sources: Sources{Recipe: "auto"}, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Seed == 4 && c.LR != 0.3 && c.Optimizer == "sgd" }},
		{name: "a flag", sources: Sources{Data: "photos", Recipe: "auto", Explicit: []string{"epochs"}}, change: func(c *Config) { c.Epochs = 3 }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --epochs: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Epochs == 3 && c.LR == 0.1 }},
		{name: "a duration in place of epochs", sources: Sources{Data: "photos", Recipe: "auto", Explicit: []string{"time"}},
			change: func(c *Config) { c.Time, c.Epochs = time.Minute, 0 }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --time: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Time == time.Minute && c.Epochs == 0 }},
		{name: "flags with the values of the defaults", sources: Sources{Data: "photos", Recipe: "auto", Explicit: []string{"epochs", "lr", "schedule"}}, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --lr and --epochs: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Epochs == 90 && c.LR == 0.05 && c.Schedule == "cosine" }},
		{name: "a flag of what the recipe says", sources: Sources{Data: "photos", Recipe: "auto", Explicit: []string{"lr"}}, change: func(c *Config) { c.LR = 0.1 }, images: photos, recipe: "scratch-small",
			line: "recipe scratch-small: 600 training images of 20 classes, no --init"},
		{name: "a setting of no recipe", sources: Sources{Data: "photos", Recipe: "auto", Explicit: []string{"seed"}}, change: func(c *Config) { c.Seed, c.Out, c.Keep = 7, "run", 9 }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Seed == 7 && c.Out == "run" && c.Keep == 9 }},
		{name: "an optimizer takes its own rate", sources: Sources{Data: "photos", Recipe: "auto", Optimizer: "adamw", Explicit: []string{"optimizer"}}, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --optimizer and --lr: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Optimizer == "adamw" && c.LR == 1e-3 }},
		{name: "frozen batch norms", sources: Sources{Data: "photos", Recipe: "auto", Init: "w.safetensors", Freeze: "bn", Explicit: []string{"freeze"}}, images: photos, recipe: "finetune",
			line:  "recipe finetune, except --freeze and --lr: starts from --init, 600 training images of 20 classes; with --freeze bn a tenth of its learning rate: 0.001",
			check: func(c Config) bool { return c.Freeze == "bn" && c.LR == 0.01/frozenNormsDivisor }},
		{name: "frozen batch norms in a recipe that freezes nothing", sources: Sources{Data: "photos", Recipe: "auto", Freeze: "bn", Explicit: []string{"freeze"}}, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --lr: 600 training images of 20 classes, no --init; with --freeze bn a tenth of its learning rate: 0.01",
			check: func(c Config) bool { return c.Freeze == "bn" && c.LR == 0.1/frozenNormsDivisor }},
		{name: "frozen batch norms with a rate", sources: Sources{Data: "photos", Recipe: "auto", Init: "w.safetensors", Freeze: "bn", Explicit: []string{"freeze", "lr"}}, change: func(c *Config) { c.LR = 0.005 }, images: photos, recipe: "finetune",
			line:  "recipe finetune, except --freeze and --lr: starts from --init, 600 training images of 20 classes",
			check: func(c Config) bool { return c.Freeze == "bn" && c.LR == 0.005 }},
		{name: "changed by a program", sources: Sources{Data: "photos", Recipe: "auto"}, change: func(c *Config) { c.LR, c.Data, c.Resume = 0.7, "elsewhere", "auto" }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --lr: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.LR == 0.7 && c.Data == "elsewhere" && c.Resume == "auto" }},
		{name: "assigned to the defaults", change: func(c *Config) { *c = Default(); c.Recipe, c.Data, c.Epochs = "auto", "photos", 5 }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small, except --epochs: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Epochs == 5 && c.Data == "photos" && c.LR == 0.1 }},
		{name: "another network", sources: Sources{Data: "photos", Recipe: "auto", Arch: "mobilenet_v2", Explicit: []string{"arch", "width"}}, change: func(c *Config) { c.Model.Width = 0.5 }, images: photos, recipe: "scratch-small",
			line:  "recipe scratch-small: 600 training images of 20 classes, no --init",
			check: func(c Config) bool { return c.Model.Arch == "mobilenet_v2" && c.Model.Width == 0.5 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.sources.File = writeFile(t, c.file)
			}
			from, err := c.sources.Config()
			if err != nil {
				t.Fatal(err)
			}
			if c.change != nil {
				c.change(&from)
			}
			from.Published = c.published
			got, line, err := from.Choose(c.images)
			if err != nil {
				t.Fatal(err)
			}
			if got.Recipe != c.recipe || line != c.line {
				t.Errorf("recipe %q, want %q\nline %q\nwant %q", got.Recipe, c.recipe, line, c.line)
			}
			if c.check != nil && !c.check(got) {
				t.Errorf("settings %+v", got)
			}
			if again, line, err := got.Choose(Images{Train: 1 << 30}); err != nil || again.Recipe != got.Recipe || again.Epochs != got.Epochs {
				t.Errorf("chooses again: %q, %q, %v", again.Recipe, line, err)
			}
		})
	}
}

// TestChosenIsRecorded: the configuration of a run names its recipe, and does not choose again.
func TestChosenIsRecorded(t *testing.T) {
	from, err := Sources{Data: "photos", Recipe: "auto"}.Config()
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := from.Choose(Images{Train: 600, Classes: 20})
	if err != nil {
		t.Fatal(err)
	}
	c.Epochs = 9
	text, err := c.YAML()
	if err != nil || !strings.Contains(string(text), "\nrecipe: scratch-small\n") {
		t.Fatalf("%v, %s", err, text)
	}
	again, err := Load(writeFile(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	again, line, err := again.Choose(Images{Train: 5_000_000, Classes: 20})
	if err != nil || line != "" || again.Recipe != "scratch-small" || again.Epochs != 9 {
		t.Errorf("recipe %q, epochs %d, line %q, %v", again.Recipe, again.Epochs, line, err)
	}
}

// TestChooseKeepsWhatIsNoSetting: fields that no file holds are those of the caller.
func TestChooseKeepsWhatIsNoSetting(t *testing.T) {
	from, err := Sources{Data: "photos", Recipe: "auto"}.Config()
	if err != nil {
		t.Fatal(err)
	}
	from.ExtendEpochs, from.Published = 3, "imagenet"
	from.ReadWeights = func(string) (weights.Weights, error) { return weights.Weights{}, nil }
	got, _, err := from.Choose(Images{Train: 600, Classes: 20})
	if err != nil || got.ExtendEpochs != 3 || got.Published != "imagenet" || got.ReadWeights == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWithRecipe: a continued run keeps its recipe, also none.
func TestWithRecipe(t *testing.T) {
	for _, c := range []struct {
		name string
		lr   float64
	}{{"", 0.05}, {"none", 0.05}, {"scratch-small", 0.1}, {"mine (gone.yaml)", 0.05}} {
		from, err := Sources{Data: "photos", Recipe: "auto"}.Config()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := from.WithRecipe(c.name); err != nil || got.Recipe != c.name || got.LR != c.lr {
			t.Errorf("%q: recipe %q, lr %v, %v", c.name, got.Recipe, got.LR, err)
		}
	}
}
