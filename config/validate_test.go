package config

import (
	"errors"
	"math"
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
		{"mnist", func(c *Config) { c.Data = MNIST; c.useMNIST() }, nil},
		{"zero value", func(c *Config) { *c = Config{} }, []string{
			"data", "arch", "width", "resolution", "activation", "padding", "bn_eps", "bn_momentum",
			"epochs", "batch_size", "accumulate", "optimizer", "lr", "schedule",
			"augment", "decode", "crop_scale", "crop_ratio", "fit", "precision", "kernels", "device", "progress", "keep"}},
		{"no variant", func(c *Config) { c.Model.Variant = "" }, []string{"variant"}},
		{"variant of another architecture", func(c *Config) { c.Model.Arch = "mobilenet_v2" }, []string{"variant"}},
		{"no warmup in a run of one epoch", func(c *Config) { c.Epochs, c.WarmupEpochs = 1, 0.5 }, nil},
		{"warmup as long as the run", func(c *Config) { c.Epochs, c.WarmupEpochs = 5, 5 }, []string{"warmup_epochs"}},
		{"not a number", func(c *Config) {
			c.LR, c.Momentum, c.WeightDecay, c.LabelSmoothing, c.Flip = math.NaN(), math.NaN(), math.NaN(), math.NaN(), math.NaN()
		}, []string{"lr", "momentum", "weight_decay", "label_smoothing", "flip"}},
		{"infinite", func(c *Config) { c.LR, c.ClipGradNorm, c.CropRatio[1] = math.Inf(1), math.Inf(1), math.Inf(1) },
			[]string{"lr", "clip_grad_norm", "crop_ratio"}},
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
