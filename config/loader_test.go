package config

import (
	"reflect"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/internal/host"
)

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
				want.Decode, want.Sampler = data.DecodeExact, data.SampleUniform
			}
			if got := test.config.LoaderOptions(test.train); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	c.Workers = -1
	if got := c.LoaderOptions(true).Workers; got != host.Workers() {
		t.Errorf("%d workers, want one for each core, %d", got, host.Workers())
	}
}

func TestEXIFReachesBothLoaders(t *testing.T) {
	c := Default()
	for _, exif := range []bool{false, true} {
		c.EXIF = exifOf(exif)
		for _, train := range []bool{false, true} {
			if got := c.LoaderOptions(train).Preprocess.EXIF; got != exif {
				t.Errorf("exif %v, train %v: the loader has %v", exif, train, got)
			}
		}
	}
}
