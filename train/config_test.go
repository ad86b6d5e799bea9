package train

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/models/mobilenet"
)

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultIsVariantPaper(t *testing.T) {
	want, err := mobilenet.Variant("paper")
	if err != nil {
		t.Fatal(err)
	}
	want.Classes = 0 // the data tells
	if got := Default().Model; got != want {
		t.Errorf("Default().Model = %+v, want %+v", got, want)
	}
}

// TestLayers checks who wins where several layers speak of the same setting.
func TestLayers(t *testing.T) {
	article, err := mobilenet.Variant("article")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		file   string
		layers Layers
		want   func(*Config)
	}{
		{"nothing", "", Layers{}, func(*Config) {}},
		{"mnist by flag", "", Layers{Data: "mnist"}, func(c *Config) {
			c.Data = "mnist"
			c.forMNIST()
		}},
		{"mnist by file, which wins where it speaks", "data: mnist\nwidth: 0.25\nepochs: 8\n", Layers{}, func(c *Config) {
			c.Data = "mnist"
			c.forMNIST()
			c.Model.Width, c.Epochs = 0.25, 8
		}},
		{"another folder by flag takes mnist's settings back", "data: mnist\n", Layers{Data: "photos"}, func(c *Config) {
			c.Data = "photos"
		}},
		{"recipe over mnist", "", Layers{Data: "mnist", Recipe: "torchvision"}, func(c *Config) {
			c.Data, c.Recipe = "mnist", "torchvision"
			c.forMNIST()
			c.BatchSize, c.Epochs, c.LabelSmoothing = 32, 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.045, "exp", 1, 0.98, 0
		}},
		{"file over recipe", "recipe: torchvision\nlr: 0.2\n", Layers{}, func(c *Config) {
			c.Recipe = "torchvision"
			c.Epochs, c.LabelSmoothing = 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.2, "exp", 1, 0.98, 0
		}},
		{"recipe by flag over the file, optimizer and all", "recipe: paper\noptimizer: adamw\nlr: 0.2\nepochs: 7\nseed: 3\n", Layers{Recipe: "torchvision"}, func(c *Config) {
			c.Recipe, c.Seed = "torchvision", 3
			c.Epochs, c.LabelSmoothing = 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.045, "exp", 1, 0.98, 0
		}},
		{"variant brings its layers", "variant: article\nwidth: 0.5\n", Layers{}, func(c *Config) {
			c.Model = article
			c.Model.Width, c.Model.Classes = 0.5, 0
		}},
		{"file changes the variant's layers", "variant: article\npadding: symmetric\n", Layers{}, func(c *Config) {
			c.Model = article
			c.Model.Padding, c.Model.Classes = "symmetric", 0
		}},
		{"variant by flag over the file's layers", "variant: article\npadding: same\nconv_bias: true\nclasses: 7\n", Layers{Variant: "paper"}, func(c *Config) {
			c.Model.Classes = 7
		}},
		{"recipe changes the variant", "", Layers{Variant: "article", Recipe: "paper"}, func(c *Config) {
			c.Model = article
			c.Model.Classes, c.Model.BNMomentum = 0, 0.0003
			c.Recipe, c.Optimizer, c.NoDecay = "paper", "rmsprop_tf", []string{"depthwise", "norm", "bias"}
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs, c.BatchSize = 0.045, "exp", 2.5, 0.94, 0, 64
		}},
		{"optimizer brings its rate", "", Layers{Optimizer: "adamw"}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 1e-3
		}},
		{"optimizer of the file with its rate", "optimizer: adamw\nlr: 0.5\n", Layers{}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 0.5
		}},
		{"optimizer by flag over the file's rate", "optimizer: sgd\nlr: 0.1\n", Layers{Optimizer: "adamw"}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 1e-3
		}},
		{"comments alone", "# nothing yet\n", Layers{}, func(*Config) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.layers.File = writeFile(t, c.file)
			}
			got, err := c.layers.Config()
			if err != nil {
				t.Fatal(err)
			}
			want := Default()
			c.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// TestYAMLRoundTrip: a run's config.yaml repeats it, and holds every setting
// except those of the place.
func TestYAMLRoundTrip(t *testing.T) {
	c := Default()
	c.Data, c.Recipe = "photos", "paper"
	c.Model.Variant, c.Model.Width, c.Model.Resolution, c.Model.Classes = "article", 0.75, 160, 12
	c.Model.Activation, c.Model.Padding, c.Model.ConvBias, c.Model.BNEps, c.Model.Dropout = "relu6", "same", true, 1e-3, 0.25
	c.ValSplit, c.Epochs, c.MaxSteps, c.Time = 0.1, 7, 100, 90e9
	c.BatchSize, c.Accumulate, c.Optimizer, c.LR, c.Momentum = 8, 2, "rmsprop_tf", 0.3, 0.8
	c.WeightDecay, c.NoDecay, c.Schedule, c.StepEpochs, c.Gamma = 1e-3, []string{"bias"}, "step", 3, 0.5
	c.WarmupEpochs, c.LabelSmoothing, c.ClipGradNorm = 0.5, 0.2, 1
	c.Augment, c.CropScale, c.CropRatio, c.Flip, c.Fit = "none", [2]float64{0.35, 0.9}, [2]float64{0.5, 2}, 0.1, "pad"
	c.ColorJitter, c.RandomErase, c.MixUp, c.CutMix = [4]float64{0.4, 0.3, 0.2, 0.1}, 0.25, 0.2, 1
	c.Precision, c.Device, c.Threads, c.Workers, c.Seed = "bf16", "cuda:1", 2, 0, 1<<63+1
	c.CheckpointEvery, c.Keep, c.Progress = "500steps", 9, "json"
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(writeFile(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}

	c.Out, c.Resume = "runs/photos-1", "auto"
	again, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(text) {
		t.Errorf("the file depends on out and resume:\n%s", again)
	}
}

// TestWrongFiles: what is wrong in a file is named, with what was meant.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"unknown keys, all of them", "batchsize: 3\nlr: 1\ncolor: red\n",
			[]string{"batchsize: no such setting (line 1); did you mean batch_size?", "color: no such setting (line 3)"}},
		{"wrong type", "epochs: many\n", []string{"line 1", "many"}},
		{"repeated key", "lr: 1\nlr: 2\n", []string{"lr", "already defined"}},
		{"not a mapping", "- lr\n", []string{"setting: value"}},
		{"not YAML", "lr: [1\n", []string{"YAML", "line 1"}},
		{"variant", "variant: papier\n", []string{`variant papier: did you mean paper? allowed: paper, article`}},
		{"recipe", "recipe: slim\n", []string{`recipe slim: allowed: paper, torchvision`}},
		{"crop with one number", "crop_scale: [1]\n", []string{"want 2 elements"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := writeFile(t, c.file)
			_, err := LoadConfig(path)
			var wrong *ConfigError
			if !errors.As(err, &wrong) {
				t.Fatalf("error %v (%T), want a *ConfigError", err, err)
			}
			for _, want := range append(c.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestLoadConfigWithoutFile(t *testing.T) {
	if _, err := LoadConfig(filepath.Join(t.TempDir(), "no.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want os.ErrNotExist", err)
	}
}

// TestSettings holds the keys that files may use and Config's fields together.
func TestSettings(t *testing.T) {
	known, err := settings()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, typ := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[mobilenet.Config]()} {
		for i := range typ.NumField() {
			tag, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
			if tag != "" {
				want = append(want, tag)
			}
		}
	}
	slices.Sort(want)
	if got := sortedKeys(known); !slices.Equal(got, want) {
		t.Errorf("settings %v\nwant %v", got, want)
	}
}

func FuzzLoadConfig(f *testing.F) {
	for _, seed := range []string{"", "lr: 1", "data: mnist\nvariant: article\n", "crop_scale: [0.1, 1]", "a: &a [*a]", "<<: {lr: 2}", "time: 2h"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := Layers{}.over(file)
		if err != nil {
			return
		}
		text, err := c.YAML()
		if err != nil {
			t.Fatalf("a configuration that was read cannot be written: %v", err)
		}
		if _, err := (Layers{}).over(text); err != nil {
			t.Fatalf("a configuration that was written cannot be read: %v\n%s", err, text)
		}
	})
}
