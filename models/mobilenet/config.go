package mobilenet

import (
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

// Config selects one MobileNet. The zero value is not a network: start from [Default] and change fields.
type Config struct {
	Arch       string          `json:"arch" yaml:"arch"`               // mobilenet_v1 or another of [Archs]
	Variant    string          `json:"variant" yaml:"variant"`         // whose form of the network, see [Variants]
	Width      float64         `json:"width" yaml:"width"`             // multiplies the channels
	Resolution int             `json:"resolution" yaml:"resolution"`   // side of the square input, pixels
	Classes    int             `json:"classes" yaml:"classes"`         // outputs of the head
	Activation models.Function `json:"activation" yaml:"activation"`   // relu or relu6
	Padding    models.Padding  `json:"padding" yaml:"padding"`         // symmetric, same or keras
	ConvBias   bool            `json:"conv_bias" yaml:"conv_bias"`     // convolutions have biases
	BNEps      float64         `json:"bn_eps" yaml:"bn_eps"`           // added to the variance
	BNMomentum float64         `json:"bn_momentum" yaml:"bn_momentum"` // weight of the new batch, PyTorch's sense
	Dropout    float64         `json:"dropout" yaml:"dropout"`         // probability to drop, before the head
}

// KerasPadding is models.Same, but models.BottomRight in stride-2 depthwise layers, as keras.applications'
// MobileNet (v1) pads.
const KerasPadding models.Padding = "keras"

// maxWidth bounds the width multiplier, so that a slip (64 for 0.64) is an error and not an allocation of
// gigabytes.
const maxWidth = 16

// MaxResolution bounds the resolution of a network. That of images is lower.
const MaxResolution = 1 << 13

// Default returns the named variant of an architecture at width 1, resolution 224, 1000 classes. An empty
// variant is the architecture's default. Unknown names are a *validate.Error.
func Default(archName, variantName string) (Config, error) {
	a, v, err := find(archName, variantName)
	if err != nil {
		return Config{}, err
	}
	c := v.config
	c.Arch, c.Variant, c.Width, c.Resolution, c.Classes = a.name, v.name, 1, 224, 1000
	return c, nil
}

// Preprocessing is what the variant's published weights expect of images.
func (c Config) Preprocessing() (models.Preprocessing, error) {
	_, v, err := find(c.Arch, c.Variant)
	if err != nil {
		return models.Preprocessing{}, err
	}
	return v.preprocessing, nil
}

// Validate reports every field that cannot describe a network, as a *validate.Error.
func (c Config) Validate() error {
	var v validate.Collector
	v.OneOf("arch", c.Arch, Archs())
	if lookup(c.Arch) != nil {
		v.Check(known(c.Arch, c.Variant) && c.Variant != "", "variant", strconv.Quote(c.Variant), suggest.OneOf(c.Variant, Variants(c.Arch)))
	}
	v.Check(c.Width > 0 && c.Width <= maxWidth, "width", c.Width, fmt.Sprintf("must be above 0 and at most %d", maxWidth))
	v.Check(c.Resolution >= 1 && c.Resolution <= MaxResolution, "resolution", c.Resolution, fmt.Sprintf("must be 1 to %d pixels", MaxResolution))
	v.Check(c.Classes >= 1 && c.Classes <= 1<<20, "classes", c.Classes, fmt.Sprintf("must be 1 to %d", 1<<20))
	var functions []string
	for _, f := range models.Functions {
		functions = append(functions, string(f))
	}
	v.OneOf("activation", string(c.Activation), functions)
	v.OneOf("padding", string(c.Padding), []string{string(models.Symmetric), string(models.Same), string(KerasPadding)})
	v.Check(c.BNEps > 0 && !math.IsInf(c.BNEps, 1), "bn_eps", c.BNEps, "must be above 0")
	v.Check(c.BNMomentum > 0 && c.BNMomentum <= 1, "bn_momentum", c.BNMomentum, "must be above 0 and at most 1 (weight of the new batch)")
	v.Check(c.Dropout >= 0 && c.Dropout < 1, "dropout", c.Dropout, "must be at least 0 and below 1")
	return v.Err()
}

// Graph builds the configured network.
func (c Config) Graph() (*models.Graph, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	a, v, err := find(c.Arch, c.Variant)
	if err != nil {
		return nil, err
	}
	return models.Build(c.name(), a.build(c, v))
}

// name is the graph's: what the weights are of, apart from the input's size and the classes.
func (c Config) name() string {
	return fmt.Sprintf("%s %s, width %v", c.Arch, c.Variant, c.Width)
}

// String names the network for logs.
func (c Config) String() string {
	return fmt.Sprintf("%s, resolution %d, %d classes", c.name(), c.Resolution, c.Classes)
}
