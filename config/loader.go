package config

import (
	"depthwise.dev/backend"
	"depthwise.dev/data"
)

// LoaderOptions returns the options of the loader for training or for evaluation, of one process.
func (c Config) LoaderOptions(train bool) data.LoaderOptions {
	o := data.LoaderOptions{
		BatchSize:  c.GlobalBatch(),
		Workers:    c.Workers,
		Seed:       c.Seed,
		Train:      train,
		Preprocess: c.Preprocess(),

		ShuffleBuffer: c.ShuffleBuffer,
	}
	if o.Workers < 0 {
		o.Workers = backend.Workers(c.Device)
	}
	if train {
		o.Augment = c.augment()
		o.Decode = c.Decode
		o.Sampler = c.Sampler
	}
	return o
}

// augment returns the augmentation of training images.
func (c Config) augment() data.Augment {
	j := c.ColorJitter
	a := data.Augment{Erase: c.RandomErase, MixUp: c.MixUp, CutMix: c.CutMix,
		Jitter: data.Jitter{Brightness: j[0], Contrast: j[1], Saturation: j[2], Hue: j[3]}}
	if c.Augment == "none" {
		return a
	}
	a.Crop, a.CropScale, a.CropRatio, a.Flip = true, c.CropScale, c.CropRatio, c.Flip
	if c.Augment != "basic" {
		a.Policy = data.Policy(c.Augment)
	}
	return a
}

// Augments reports whether a training image differs from epoch to epoch.
func (c Config) Augments() bool {
	return c.Augment != "none" || c.MixUp > 0 || c.CutMix > 0 || c.RandomErase > 0 || c.ColorJitter != [4]float64{}
}
