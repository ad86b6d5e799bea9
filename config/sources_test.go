package config

import (
	"reflect"
	"testing"

	"depthwise.dev/models/mobilenet"
)

// TestSources checks the precedence where several sources set the same setting.
func TestSources(t *testing.T) {
	article, err := mobilenet.Default("mobilenet_v1", "article")
	if err != nil {
		t.Fatal(err)
	}
	hf, err := mobilenet.Default("mobilenet_v1", "hf")
	if err != nil {
		t.Fatal(err)
	}
	v2, err := mobilenet.Default("mobilenet_v2", "torchvision")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		file    string
		sources Sources
		want    func(*Config)
	}{
		{"nothing", "", Sources{}, func(*Config) {}},
		{"mnist by flag", "", Sources{Data: "mnist"}, func(c *Config) {
			c.Data = "mnist"
			mnist(c)
			c.Recipe = "mnist"
		}},
		{"mnist by file, whose settings take precedence", "data: mnist\nwidth: 0.25\nepochs: 8\n", Sources{}, func(c *Config) {
			c.Data = "mnist"
			mnist(c)
			c.Recipe = "mnist"
			c.Model.Width, c.Epochs = 0.25, 8
		}},
		{"another folder by flag resets mnist's settings", "data: mnist\n", Sources{Data: "photos"}, func(c *Config) {
			c.Data = "photos"
		}},
		{"recipe over mnist", "", Sources{Data: "mnist", Recipe: "torchvision"}, func(c *Config) {
			c.Data, c.Recipe = "mnist", "torchvision"
			mnist(c)
			c.BatchSize, c.Epochs, c.LabelSmoothing = 32, 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.045, "exp", 1, 0.98, 0
		}},
		{"an earlier run of mnist had no recipe", "data: mnist\nrecipe: \"\"\n", Sources{}, func(c *Config) {
			c.Data = "mnist"
			mnist(c)
		}},
		{"no recipe over the file's", "recipe: torchvision\n", Sources{Recipe: "none"}, func(c *Config) { c.Recipe = "none" }},
		{"the file over the recipe that its weights imply", "init: w.safetensors\nlr: 0.2\n", Sources{}, func(c *Config) {
			c.Init, c.Recipe = "w.safetensors", "finetune"
			finetune(c)
			c.LR = 0.2
		}},
		{"the file over the recipe that weights by flag imply", "lr: 0.2\n", Sources{Init: "w.safetensors"}, func(c *Config) {
			c.Init, c.Recipe = "w.safetensors", "finetune"
			finetune(c)
			c.LR = 0.2
		}},
		{"file over recipe", "recipe: torchvision\nlr: 0.2\n", Sources{}, func(c *Config) {
			c.Recipe = "torchvision"
			c.Epochs, c.LabelSmoothing = 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.2, "exp", 1, 0.98, 0
		}},
		{"recipe by flag over the file, optimizer and all", "recipe: paper\noptimizer: adamw\nlr: 0.2\nepochs: 7\nseed: 3\n", Sources{Recipe: "torchvision"}, func(c *Config) {
			c.Recipe, c.Seed = "torchvision", 3
			c.Epochs, c.LabelSmoothing = 300, 0
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs = 0.045, "exp", 1, 0.98, 0
		}},
		{"variant sets its layers", "variant: article\nwidth: 0.5\n", Sources{}, func(c *Config) {
			c.Model = article
			c.Model.Width, c.Model.Classes = 0.5, 0
		}},
		{"file changes the variant's layers", "variant: article\npadding: symmetric\n", Sources{}, func(c *Config) {
			c.Model = article
			c.Model.Padding, c.Model.Classes = "symmetric", 0
		}},
		{"variant by flag over the file's layers", "variant: article\npadding: same\nconv_bias: true\nclasses: 7\n", Sources{Variant: "paper"}, func(c *Config) {
			c.Model.Classes = 7
		}},
		{"recipe changes the variant", "", Sources{Variant: "article", Recipe: "paper"}, func(c *Config) {
			c.Model = article
			c.Model.Classes, c.Model.BNMomentum = 0, 0.0003
			c.Recipe, c.Optimizer, c.NoDecay = "paper", "rmsprop_tf", []string{"depthwise", "norm", "bias"}
			c.LR, c.Schedule, c.StepEpochs, c.Gamma, c.WarmupEpochs, c.BatchSize = 0.045, "exp", 2.5, 0.94, 0, 64
		}},
		{"optimizer sets its rate", "", Sources{Optimizer: "adamw"}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 1e-3
		}},
		{"optimizer of the file with its rate", "optimizer: adamw\nlr: 0.5\n", Sources{}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 0.5
		}},
		{"optimizer by flag over the file's rate", "optimizer: sgd\nlr: 0.1\n", Sources{Optimizer: "adamw"}, func(c *Config) {
			c.Optimizer, c.LR = "adamw", 1e-3
		}},
		{"frozen batch norms have a tenth of the rate", "", Sources{Freeze: "bn"}, func(c *Config) {
			c.Freeze, c.LR = "bn", Default().LR/10
		}},
		{"frozen batch norms by flag over the recipe", "", Sources{Freeze: "bn", Init: "w.safetensors", Recipe: "finetune"}, func(c *Config) {
			c.Init, c.Recipe = "w.safetensors", "finetune"
			finetune(c)
			c.Freeze, c.LR = "bn", 0.01/10
		}},
		{"frozen batch norms by flag over a recipe that freezes nothing", "", Sources{Freeze: "bn", Recipe: "imagenet"}, func(c *Config) {
			c.Recipe, c.Freeze, c.LR = "imagenet", "bn", Default().LR/10
		}},
		{"frozen batch norms of the file with an optimizer by flag", "optimizer: sgd\nfreeze: bn\nlr: 0.2\n", Sources{Optimizer: "adamw"}, func(c *Config) {
			c.Optimizer, c.Freeze, c.LR = "adamw", "bn", 1e-3/10
		}},
		{"frozen batch norms by flag over the file's rate", "lr: 0.2\n", Sources{Freeze: "bn"}, func(c *Config) {
			c.Freeze, c.LR = "bn", 0.2
		}},
		{"frozen batch norms of the file with its rate", "freeze: bn\nlr: 0.2\n", Sources{}, func(c *Config) {
			c.Freeze, c.LR = "bn", 0.2
		}},
		{"frozen batch norms of the file without a rate", "freeze: bn\n", Sources{}, func(c *Config) {
			c.Freeze, c.LR = "bn", Default().LR/10
		}},
		{"other layers by flag than the file's batch norms", "freeze: bn\nlr: 0.2\n", Sources{Freeze: "none"}, func(c *Config) {
			c.Freeze, c.LR = "none", 0.2
		}},
		{"alias of a variant by flag", "", Sources{Variant: "slim"}, func(c *Config) {
			c.Model = hf
			c.Model.Classes = 0
		}},
		{"alias of a variant in the file", "variant: slim\n", Sources{}, func(c *Config) {
			c.Model = hf
			c.Model.Classes = 0
		}},
		{"architecture takes its default variant", "", Sources{Arch: "mobilenet_v2"}, func(c *Config) {
			c.Model = v2
			c.Model.Classes = 0
		}},
		{"architecture by flag over the file's variant, which it lacks", "variant: article\nwidth: 0.5\n", Sources{Arch: "mobilenet_v2"}, func(c *Config) {
			c.Model = v2
			c.Model.Width, c.Model.Classes = 0.5, 0
		}},
		{"architecture by flag over the file's", "arch: mobilenet_v1\nvariant: timm\npadding: same\n", Sources{Arch: "mobilenet_v2"}, func(c *Config) {
			c.Model = v2
			c.Model.Classes = 0
		}},
		{"the file's architecture by flag keeps its variant", "variant: article\n", Sources{Arch: "mobilenet_v1"}, func(c *Config) {
			c.Model = article
			c.Model.Classes = 0
		}},
		{"architecture and variant of the file", "arch: mobilenet_v2\nvariant: torchvision\ndropout: 0.5\n", Sources{}, func(c *Config) {
			c.Model = v2
			c.Model.Dropout, c.Model.Classes = 0.5, 0
		}},
		{"variant by flag of the file's architecture", "arch: mobilenet_v2\n", Sources{Variant: "torchvision"}, func(c *Config) {
			c.Model = v2
			c.Model.Classes = 0
		}},
		{"comments alone", "# nothing yet\n", Sources{}, func(*Config) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.file != "" {
				c.sources.File = writeFile(t, c.file)
			}
			got, err := c.sources.Config()
			if err != nil {
				t.Fatal(err)
			}
			want := Default()
			c.want(&want)
			got.origin, got.given = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// mnist applies the settings of the recipe mnist.
func mnist(c *Config) {
	c.Model.Width, c.Model.Resolution, c.Fit, c.Precision = 0.5, 32, "pad", "fp32"
	c.BatchSize, c.Epochs, c.LR, c.Schedule = 128, 4, 0.1, "onecycle"
	c.Augment, c.Flip = "none", 0
}

// finetune applies the settings of the recipe finetune.
func finetune(c *Config) {
	c.Freeze, c.LR, c.Schedule, c.WarmupEpochs, c.Epochs = "blocks:4", 0.01, "onecycle", 0, 10
	c.CropScale = [2]float64{0.35, 1}
}
