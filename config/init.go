package config

import (
	"cmp"
	"fmt"

	"depthwise.dev/data"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// What published configurations say for training from nothing on ImageNet is not repeated: Hugging Face's
// MobileNet v1 has a dropout of 0.999 and a momentum of 0.0003, with which a run of some hundred steps learns
// nothing and keeps the running statistics of other images.
const (
	initBNMomentum = 0.1 // PyTorch's default
	maxInitDropout = 0.2 // torchvision's, of MobileNet v2
)

// defaultCrop is the crop fraction of weights whose Resize is 0, see [data.Preprocess].
const defaultCrop = 0.875

// UseWeights makes the network and the preprocessing those of weights that the run starts from. The
// number of classes is left to the data. Weights of a graph that is no MobileNet are an error.
func (c *Config) UseWeights(w weights.Weights) error {
	if w.Config == nil {
		return fmt.Errorf("config: the weights are of the graph %q, which a program built; start that program's run from them", w.Graph.Name)
	}
	classes := c.Model.Classes
	c.Model = *w.Config
	c.Model.Classes = classes
	c.Model.BNMomentum, c.Model.Dropout = initBNMomentum, min(c.Model.Dropout, maxInitDropout)
	p := w.Preprocess
	c.Fit = cmp.Or(p.Fit, c.Fit)
	if p.EXIF {
		c.EXIF = EXIFOn
	}
	c.Preprocessing = models.Preprocessing{Mean: p.Mean, Std: p.Std, CropFraction: defaultCrop, Interpolation: cmp.Or(p.Interpolation, data.Bilinear)}
	if p.Resize > 0 {
		c.Preprocessing.CropFraction = float64(p.Resolution) / float64(p.Resize)
	}
	return nil
}

// CheckWeights returns an *Error that names the settings which contradict the weights that the run starts
// from. Resolution, dropout and the momentum of batch norm may differ: they are no part of the weights.
func (c Config) CheckWeights(w weights.Weights) error {
	if w.Config == nil {
		return nil // UseWeights has refused them
	}
	var v validate.Collector
	m, is := *w.Config, c.Model
	want := func(value any) string {
		return fmt.Sprintf("contradicts --init, whose weights have %v; leave the setting out", value)
	}
	v.Check(is.Arch == m.Arch, "arch", is.Arch, want(m.Arch))
	if is.Arch == m.Arch {
		v.Check(is.Variant == m.Variant, "variant", is.Variant, want(m.Variant))
	}
	v.Check(is.Width == m.Width, "width", is.Width, want(m.Width))
	if is.Arch == m.Arch && is.Variant == m.Variant {
		v.Check(is.Activation == m.Activation, "activation", is.Activation, want(m.Activation))
		v.Check(is.Padding == m.Padding, "padding", is.Padding, want(m.Padding))
		v.Check(is.ConvBias == m.ConvBias, "conv_bias", is.ConvBias, want(m.ConvBias))
		v.Check(is.BNEps == m.BNEps, "bn_eps", is.BNEps, want(m.BNEps))
	}
	return v.Err()
}

// Untouched reports whether the network is still the default one.
func (c Config) Untouched() bool {
	m, d := c.Model, Default().Model
	m.Classes, d.Classes = 0, 0
	return m == d && c.Preprocessing == (models.Preprocessing{})
}
