package mobilenet

import (
	"fmt"
	"strings"

	"depthwise.dev/models"
)

// layer is a convolution of the table with its batch norm and, unless linear, its activation.
type layer struct {
	out, kernel, stride int
	depthwise           bool
	linear              bool   // no activation
	name, norm          string // timm's
}

// conv adds a convolution as the configuration and the names say.
func (c Config) conv(x *models.Node, l layer) *models.Node {
	conv := models.Conv{Out: l.out, Kernel: l.kernel, Stride: l.stride, Bias: c.ConvBias, Padding: c.padding(l)}
	if l.depthwise {
		x = x.DepthwiseConv(conv)
	} else {
		x = x.Conv(conv)
	}
	x = x.Named(l.name).BatchNorm(models.BatchNorm{Eps: c.BNEps, Momentum: c.BNMomentum}).Named(l.norm)
	if l.linear {
		return x
	}
	return x.Activation(c.Activation).Named(activationName(l.norm))
}

// padding is the rule of one layer; [KerasPadding] is two.
func (c Config) padding(l layer) models.Padding {
	switch {
	case c.Padding != KerasPadding:
		return c.Padding
	case l.depthwise && l.stride == 2:
		return models.BottomRight
	}
	return models.Same
}

// head adds pooling, dropout and the classifier.
func (c Config) head(x *models.Node) *models.Node {
	x = x.GlobalAvgPool().Named("global_pool")
	if c.Dropout > 0 {
		x = x.Dropout(c.Dropout).Named("dropout")
	}
	return x.Linear(models.Linear{Out: c.Classes}).Named("classifier")
}

// image begins a graph.
func (c Config) image() *models.Node {
	return models.Input(models.Shape{Channels: 3, Height: c.Resolution, Width: c.Resolution})
}

// activationName numbers the activation like the norm before it: blocks.0.0.bn2 is followed by
// blocks.0.0.relu2.
func activationName(norm string) string {
	i := strings.LastIndex(norm, "bn")
	return norm[:i] + "relu" + norm[i+len("bn"):]
}

// block is timm's name of a block: blocks.STAGE.BLOCK.
func block(stage, block int) string { return fmt.Sprintf("blocks.%d.%d", stage, block) }
