package mobilenet

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Activations that a network may use after each batch normalization.
const (
	ReLU  = "relu"
	ReLU6 = "relu6" // min(max(x, 0), 6)
)

// Padding schemes of the 3x3 convolutions.
const (
	// Symmetric pads one pixel on every side whatever the size, as PyTorch
	// networks do.
	Symmetric = "symmetric"
	// Same is TensorFlow's: as little as gives ceil(size/stride) outputs, and the
	// odd pixel after. At stride 2 that is (0, 1) on even sizes and (1, 1) on odd.
	Same = "same"
)

// Config is one MobileNet v1. The zero value is not a network: start from
// [Variant] and change fields.
type Config struct {
	Variant    string  `json:"variant" yaml:"variant"`         // the name it was made from
	Width      float64 `json:"width" yaml:"width"`             // channels are max(8, int(c*Width))
	Resolution int     `json:"resolution" yaml:"resolution"`   // side of the square input, pixels
	Classes    int     `json:"classes" yaml:"classes"`         // outputs of the head
	Activation string  `json:"activation" yaml:"activation"`   // relu or relu6
	Padding    string  `json:"padding" yaml:"padding"`         // symmetric or same
	ConvBias   bool    `json:"conv_bias" yaml:"conv_bias"`     // convolutions have biases
	BNEps      float64 `json:"bn_eps" yaml:"bn_eps"`           // added to the variance
	BNMomentum float64 `json:"bn_momentum" yaml:"bn_momentum"` // weight of the new batch, PyTorch's sense
	Dropout    float64 `json:"dropout" yaml:"dropout"`         // probability to drop, before the head
}

// variants are the named networks, in the order in which they are listed.
var variants = []Config{
	// The paper's network as PyTorch users train it.
	{Variant: "paper", Width: 1, Resolution: 224, Classes: 1000,
		Activation: ReLU, Padding: Symmetric, BNEps: 1e-5, BNMomentum: 0.1},
	// Keras layers with Keras's defaults; Keras momentum 0.99 is torch momentum 0.01.
	{Variant: "article", Width: 1, Resolution: 224, Classes: 1000,
		Activation: ReLU, Padding: Same, ConvBias: true, BNEps: 1e-3, BNMomentum: 0.01},
}

// Variants lists the names that [Variant] knows.
func Variants() []string {
	names := make([]string, len(variants))
	for i, v := range variants {
		names[i] = v.Variant
	}
	return names
}

// Variant returns the named network at width 1, resolution 224, 1000 classes.
func Variant(name string) (Config, error) {
	for _, v := range variants {
		if v.Variant == name {
			return v, nil
		}
	}
	return Config{}, fmt.Errorf("mobilenet: no variant %q: choose one of %s", name, strings.Join(Variants(), ", "))
}

// maxChannels bounds the widest layer, so that a slip in the width (64 for 0.64)
// is an error and not an allocation of gigabytes.
const maxChannels = 1 << 14

// Validate reports every field that cannot describe a network.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("mobilenet: "+format, args...))
		}
	}
	check(slices.Contains(Variants(), c.Variant), "variant %q: choose one of %s", c.Variant, strings.Join(Variants(), ", "))
	check(c.Width > 0 && c.Width*1024 <= maxChannels, "width %v: must be above 0 and at most %d", c.Width, maxChannels/1024)
	check(c.Resolution >= 1 && c.Resolution <= 1<<13, "resolution %d: must be 1 to %d pixels", c.Resolution, 1<<13)
	check(c.Classes >= 1 && c.Classes <= 1<<20, "classes %d: must be 1 to %d", c.Classes, 1<<20)
	check(c.Activation == ReLU || c.Activation == ReLU6, "activation %q: choose %s or %s", c.Activation, ReLU, ReLU6)
	check(c.Padding == Symmetric || c.Padding == Same, "padding %q: choose %s or %s", c.Padding, Symmetric, Same)
	check(c.BNEps > 0 && !math.IsInf(c.BNEps, 1), "bn_eps %v: must be above 0", c.BNEps)
	check(c.BNMomentum > 0 && c.BNMomentum <= 1, "bn_momentum %v: must be above 0 and at most 1 (weight of the new batch)", c.BNMomentum)
	check(c.Dropout >= 0 && c.Dropout < 1, "dropout %v: must be at least 0 and below 1", c.Dropout)
	return errors.Join(errs...)
}

// channels applies the width to a layer's channels, by the rule of the article
// and of TF-slim: truncated, and never below 8.
func (c Config) channels(n int) int {
	return max(8, int(float64(n)*c.Width))
}
