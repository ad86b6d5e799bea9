package config

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/optim"
)

func valid() Config {
	c := Default()
	c.Data = "photos"
	return c
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		fields []string // wrong ones, in order
	}{
		{"default", func(*Config) {}, nil},
		{"mnist", func(c *Config) {
			c.Data = MNIST
			c.Model.Width, c.Model.Resolution, c.Fit, c.Augment = 0.5, 32, "pad", "none"
		}, nil},
		{"zero value", func(c *Config) { *c = Config{} }, []string{
			"data", "arch", "width", "resolution", "activation", "padding", "bn_eps", "bn_momentum",
			"epochs", "monitor", "batch_size", "accumulate", "optimizer", "lr", "gradient_compression", "schedule", "ema_warmup", "layer_decay", "head_lr_scale", "loss", "sampler", "class_weights",
			"augment", "decode", "crop_scale", "crop_ratio", "fit", "precision", "backend", "device", "progress", "keep", "tensorboard"}},
		{"no variant", func(c *Config) { c.Model.Variant = "" }, []string{"variant"}},
		{"variant of another architecture", func(c *Config) { c.Model.Arch = "mobilenet_v2" }, []string{"variant"}},
		{"no warmup in a run of one epoch", func(c *Config) { c.Epochs, c.WarmupEpochs = 1, 0.5 }, nil},
		{"warmup as long as the run", func(c *Config) { c.Epochs, c.WarmupEpochs = 5, 5 }, []string{"warmup_epochs"}},
		{"not a number", func(c *Config) {
			c.LR, c.Momentum, c.WeightDecay, c.LabelSmoothing, c.Flip = math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()
		}, []string{"lr", "momentum", "weight_decay", "label_smoothing", "flip"}},
		{"infinite", func(c *Config) { c.LR, c.ClipGradNorm, c.CropRatio[1] = math.Inf(1), math.Inf(1), math.Inf(1) },
			[]string{"lr", "clip_grad_norm", "crop_ratio"}},
		{"beyond what can be counted", func(c *Config) { c.Epochs, c.Accumulate, c.StepEpochs = math.MaxInt, math.MaxInt, 1e300 },
			[]string{"epochs", "accumulate", "step_epochs"}},
		{"the most that can be counted", func(c *Config) { c.Epochs, c.Accumulate, c.MaxSteps = MaxCount, MaxCount, math.MaxInt64 }, nil},
		{"any batch size", func(c *Config) { c.BatchSize, c.ShuffleBuffer, c.Keep = math.MaxInt, math.MaxInt, math.MaxInt }, nil},
		{"more workers and threads than a machine has", func(c *Config) { c.Workers, c.Threads = 100_000_000, 100_000 }, []string{"threads", "workers"}},
		{"images beyond those of the loader", func(c *Config) { c.Model.Resolution, c.CropRatio = 8192, [2]float64{1e-300, 1e300} }, []string{"resolution", "crop_ratio"}},
		{"minus infinity", func(c *Config) { c.WarmupEpochs, c.LR, c.MixUp = math.Inf(-1), math.Inf(-1), math.Inf(-1) }, []string{"lr", "warmup_epochs", "mixup"}},
		{"below zero", func(c *Config) {
			c.MaxSteps, c.Time, c.Threads, c.Workers, c.ValSplit = -1, -time.Second, -1, -2, -0.1
		}, []string{"val_split", "max_steps", "time", "threads", "workers"}},
		{"crop backwards", func(c *Config) { c.CropScale = [2]float64{1, 0.5} }, []string{"crop_scale"}},
		{"crop above the image", func(c *Config) { c.CropScale = [2]float64{0.5, 1.5} }, []string{"crop_scale"}},
		{"second GPU", func(c *Config) { c.Device = "cuda:1" }, nil},
		{"device", func(c *Config) { c.Device = "cuda:x" }, []string{"device"}},
		{"weight average", func(c *Config) { c.EMADecay = 0.9999 }, nil},
		{"weight average that never moves", func(c *Config) { c.EMADecay = 1 }, []string{"ema_decay"}},
		{"no number for the weight average", func(c *Config) { c.EMADecay = math.NaN() }, []string{"ema_decay"}},
		{"no number for the warm-up of an average", func(c *Config) { c.EMADecay, c.EMAWarmup = 0.9, "linear" }, []string{"ema_warmup"}},
		{"average every less than a step", func(c *Config) { c.EMADecay, c.EMASteps = 0.9, -1 }, []string{"ema_steps"}},
		{"torchvision's warm-up without epochs", func(c *Config) {
			c.EMADecay, c.EMAWarmup, c.Time, c.Epochs = 0.9, WarmupTorchvision, time.Hour, 0
		}, []string{"ema_warmup"}},
		{"time without epochs", func(c *Config) { c.Time, c.Epochs, c.WarmupEpochs = time.Hour, 0, 5 }, nil},
		{"time and epochs", func(c *Config) { c.Time, c.StopAfter = time.Hour, time.Minute }, nil},
		{"neither time nor epochs", func(c *Config) { c.Epochs = 0 }, []string{"epochs"}},
		{"time and epochs below zero", func(c *Config) { c.Time, c.Epochs = time.Hour, -1 }, []string{"epochs"}},
		{"weight averaging", func(c *Config) { c.SWAEpochs, c.SWALR = 90, 0.01 }, nil},
		{"weight averaging longer than the run", func(c *Config) { c.SWAEpochs = 91 }, []string{"swa_epochs"}},
		{"weight averaging of a time", func(c *Config) { c.SWAEpochs, c.Time, c.Epochs = 5, time.Hour, 0 }, []string{"swa_epochs"}},
		{"weight averaging and early stopping", func(c *Config) { c.SWAEpochs, c.Patience = 5, 5 }, []string{"swa_epochs"}},
		{"no number for weight averaging", func(c *Config) { c.SWAEpochs, c.SWALR = -1, math.NaN() }, []string{"swa_epochs", "swa_lr"}},
		{"no number for early stopping", func(c *Config) { c.Patience, c.MinDelta, c.Monitor, c.StopAfter = -1, math.Inf(1), "top5", -1 },
			[]string{"stop_after", "patience", "min_delta", "monitor"}},
		{"no number for plateau", func(c *Config) {
			c.Schedule, c.PlateauPatience, c.PlateauCooldown, c.PlateauThreshold, c.PlateauMinLR = "plateau", -1, -1, math.NaN(), -1
		}, []string{"plateau_patience", "plateau_cooldown", "plateau_threshold", "plateau_min_lr"}},
		{"no interval of checkpoints", func(c *Config) { c.CheckpointEvery = "" }, nil},
		{"interval of checkpoints", func(c *Config) { c.CheckpointEvery = "500" }, []string{"checkpoint_every"}},
		{"parameters without decay", func(c *Config) { c.NoDecay = []string{"bias", "biases"} }, []string{"no_decay"}},
		{"width and classes", func(c *Config) { c.Model.Width, c.Model.Classes = 64, -1 }, []string{"width", "classes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := valid()
			c.change(&config)
			err := config.Validate()
			if c.fields == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v (%T), want a *Error", err, err)
			}
			var got []string
			for _, f := range e.Fields {
				got = append(got, f.Field)
				if f.Want == "" {
					t.Errorf("%s: does not say what is allowed", f.Field)
				}
				if !strings.Contains(err.Error(), f.Field) {
					t.Errorf("the message %q leaves out %s", err, f.Field)
				}
			}
			if !slices.Equal(got, c.fields) {
				t.Errorf("fields %v, want %v", got, c.fields)
			}
		})
	}
}

func TestValidateMessages(t *testing.T) {
	c := valid()
	c.Optimizer, c.BatchSize, c.Model.Width = "sdg", 0, 64
	want := `width 64: must be above 0 and at most 16; batch_size 0: must be at least 1; ` +
		`optimizer "sdg": did you mean sgd? allowed: ` + strings.Join(optim.OptimizerNames(optim.Optimizers), ", ")
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestVariantByAssignment: the settings of a network belong to its variant. Changing only the name in Default's
// configuration would label weights as what they are not.
func TestVariantByAssignment(t *testing.T) {
	resolved := func(s Sources) Config {
		c, err := s.Config()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	changed := resolved(Sources{Variant: "keras"})
	changed.Model.Dropout = 0.5
	assigned := Default()
	assigned.Model.Variant = "keras"
	unknown := Default()
	unknown.Recipe = "modrn"
	for _, c := range []struct {
		name   string
		config Config
		want   string // of the error
	}{
		{"default", Default(), ""},
		{"keras by its source", resolved(Sources{Variant: "keras"}), ""},
		{"timm, which differs from paper in the activation alone", resolved(Sources{Variant: "timm"}), ""},
		{"V2", resolved(Sources{Arch: "mobilenet_v2"}), ""},
		{"keras with another dropout", changed, ""},
		{"keras by assignment", assigned, `variant "keras": activation, padding and batch norm are still those of the default variant`},
		{"unknown recipe by assignment", unknown, `recipe "modrn": did you mean modern?`},
	} {
		c.config.Data = "photos"
		if err := c.config.Validate(); c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestRenamedSettings: files of older versions name the backend kernels.
func TestRenamedSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.yaml")
	if err := os.WriteFile(path, []byte("kernels: torch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(path); err != nil || c.Backend != "torch" {
		t.Errorf("backend %q, error %v", c.Backend, err)
	}
	if err := os.WriteFile(path, []byte("kernels: torch\nbackend: fused\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "set twice, first in line 1") {
		t.Errorf("both names: %v", err)
	}
}
