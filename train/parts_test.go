package train

import (
	"math"
	"reflect"
	"testing"

	"depthwise.dev/data"
)

func TestPreprocess(t *testing.T) {
	imagenet := [2][3]float64{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}
	for _, c := range []struct {
		name string
		l    Layers
		want data.Preprocess
	}{
		{"paper", Layers{}, data.Preprocess{Resolution: 224, Fit: "crop", Resize: 256, Mean: imagenet[0], Std: imagenet[1]}},
		{"article divides by 255", Layers{Variant: "article"}, data.Preprocess{Resolution: 224, Fit: "crop", Resize: 256, Std: [3]float64{1, 1, 1}}},
		{"mnist is padded", Layers{Data: "mnist"}, data.Preprocess{Resolution: 32, Fit: "pad", Mean: imagenet[0], Std: imagenet[1]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := c.l.Config()
			if err != nil {
				t.Fatal(err)
			}
			if got := config.Preprocess(); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if err := config.Preprocess().Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoaderOptions(t *testing.T) {
	c := Default()
	c.Seed, c.Workers, c.BatchSize, c.CropScale = 7, 3, 16, [2]float64{0.35, 1}
	basic := data.Augment{Crop: true, CropScale: [2]float64{0.35, 1}, CropRatio: c.CropRatio, Flip: 0.5}
	plain := c
	plain.Augment = "none"
	all := c
	all.Augment, all.ColorJitter, all.RandomErase, all.MixUp, all.CutMix = "randaug", [4]float64{0.1, 0.2, 0.3, 0.4}, 0.25, 0.2, 1
	everything := basic
	everything.Policy, everything.Jitter = data.RandAugment, data.Jitter{Brightness: 0.1, Contrast: 0.2, Saturation: 0.3, Hue: 0.4}
	everything.Erase, everything.MixUp, everything.CutMix = 0.25, 0.2, 1
	erase := plain
	erase.RandomErase = 0.1
	trivial := c
	trivial.Augment = "trivial"
	wide := basic
	wide.Policy = data.TrivialAugment
	for _, test := range []struct {
		name   string
		config Config
		train  bool
		want   data.Augment
	}{
		{"training", c, true, basic},
		{"training without augmentation", plain, true, data.Augment{}},
		{"training with everything", all, true, everything},
		{"training with erasing alone", erase, true, data.Augment{Erase: 0.1}},
		{"training with TrivialAugmentWide", trivial, true, wide},
		{"evaluation", c, false, data.Augment{}},
		{"evaluation with everything", all, false, data.Augment{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := data.LoaderOptions{BatchSize: 16, Workers: 3, Seed: 7, Train: test.train, Preprocess: c.Preprocess(), Augment: test.want}
			if test.train {
				want.Decode = data.DecodeExact
			}
			if got := test.config.LoaderOptions(test.train); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	c.Workers = -1
	if got := c.LoaderOptions(true).Workers; got != PhysicalCores() {
		t.Errorf("%d workers, want one for each core, %d", got, PhysicalCores())
	}
}

// TestNewSchedule checks rates that follow from the recipes' words: 100 steps an epoch.
func TestNewSchedule(t *testing.T) {
	const epoch = 100
	for _, c := range []struct {
		name   string
		change func(*Config)
		epochs int64
		rates  map[int64]float64
	}{
		{"default: 5 % of the run rises to 0.05", func(*Config) {}, 90,
			map[int64]float64{0: 0.05 / 450, 449: 0.05, 450: 0.05, 450 + 8550/2: 0.025}},
		{"paper: x0.94 every 2.5 epochs", func(c *Config) { applyRecipe(t, c, "paper") }, 90,
			map[int64]float64{0: 0.045, 249: 0.045, 250: 0.045 * 0.94, 500: 0.045 * 0.94 * 0.94}},
		{"torchvision: x0.98 an epoch", func(c *Config) { applyRecipe(t, c, "torchvision") }, 300,
			map[int64]float64{99: 0.045, 100: 0.045 * 0.98, 29999: 0.045 * math.Pow(0.98, 299)}},
		{"exp of itself is the paper's", func(c *Config) { c.Schedule = "exp" }, 10,
			map[int64]float64{249: 0.05, 250: 0.05 * 0.94}},
		{"step of itself is x0.1 every 30", func(c *Config) { c.Schedule = "step" }, 90,
			map[int64]float64{0: 0.05, 2999: 0.05, 3000: 0.005, 6000: 0.0005, 8999: 0.0005}},
		{"step as asked, of half epochs", func(c *Config) { c.Schedule, c.StepEpochs, c.Gamma = "step", 0.5, 0.5 }, 2,
			map[int64]float64{49: 0.05, 50: 0.025, 199: 0.05 / 8}},
		{"constant after a warm-up", func(c *Config) { c.Schedule, c.WarmupEpochs = "constant", 0.5 }, 4,
			map[int64]float64{0: 0.001, 49: 0.05, 399: 0.05}},
		{"onecycle begins at a 25th", func(c *Config) { c.Schedule, c.LR = "onecycle", 0.1 }, 4,
			map[int64]float64{0: 0.004, 119: 0.1, 399: 0.1 / 25e4}},
		{"run ends before its warm-up", func(c *Config) { c.WarmupEpochs = 5 }, 1,
			map[int64]float64{0: 0.05 / 99, 98: 0.05, 99: 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Default()
			c.change(&config)
			s, err := config.NewSchedule(epoch, c.epochs*epoch)
			if err != nil {
				t.Fatal(err)
			}
			for step, want := range c.rates {
				// The rates are products of a few float64 factors.
				if got := s.LR(step); math.Abs(got-want) > 1e-12 {
					t.Errorf("step %d: rate %v, want %v", step, got, want)
				}
			}
		})
	}
}

func applyRecipe(t *testing.T, c *Config, name string) {
	t.Helper()
	r, err := recipe(name)
	if err != nil {
		t.Fatal(err)
	}
	r.apply(c)
}

func TestEXIFReachesBothLoaders(t *testing.T) {
	c := Default()
	for _, exif := range []bool{false, true} {
		c.EXIF = exif
		for _, train := range []bool{false, true} {
			if got := c.LoaderOptions(train).Preprocess.EXIF; got != exif {
				t.Errorf("exif %v, train %v: the loader has %v", exif, train, got)
			}
		}
	}
}
