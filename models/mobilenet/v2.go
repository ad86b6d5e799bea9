package mobilenet

import (
	"fmt"

	"depthwise.dev/models"
)

// v2 is MobileNet v2 (Sandler et al. 2018, arXiv:1801.04381).
var v2 = arch{
	name:    "mobilenet_v2",
	summary: "MobileNet v2: inverted residuals and linear bottlenecks (3.5 million parameters at width 1)",
	build:   buildV2,
	variants: []variant{
		{
			name: "torchvision", summary: "torchvision.models.mobilenet_v2",
			config:   Config{Activation: models.ReLU6, Padding: models.Symmetric, BNEps: 1e-5, BNMomentum: 0.1, Dropout: 0.2},
			channels: divisibleBy8, preprocessing: models.ImageNetPreprocessing(),
		},
		{
			name: "timm", summary: "timm's mobilenetv2_100",
			config:   Config{Activation: models.ReLU6, Padding: models.Symmetric, BNEps: 1e-5, BNMomentum: 0.1},
			channels: divisibleBy8, preprocessing: models.ImageNetPreprocessing(),
		},
		{ // Its correct_pad is TensorFlow's same padding, unlike Keras' MobileNet v1.
			name: "keras", summary: "keras.applications.MobileNetV2",
			config:   Config{Activation: models.ReLU6, Padding: models.Same, BNEps: 1e-3, BNMomentum: 0.001},
			channels: truncatedDivisibleBy8, preprocessing: models.InceptionPreprocessing(),
		},
		{ // The peer passes momentum 0.997 to torch's BatchNorm, where it means the opposite.
			name: "hf", summary: "Hugging Face's MobileNetV2",
			config:   Config{Activation: models.ReLU6, Padding: models.Same, BNEps: 1e-3, BNMomentum: 0.003, Dropout: 0.8},
			channels: roundedDivisibleBy8, noFirstResidual: true, preprocessing: models.InceptionPreprocessing(),
		},
	},
}

// v2Stages is Table 2 of the paper at width 1: expansion factor, output channels, blocks, and the stride of
// the first block.
var v2Stages = []struct{ expansion, out, blocks, stride int }{
	{1, 16, 1, 1},
	{6, 24, 2, 2},
	{6, 32, 3, 2},
	{6, 64, 4, 2},
	{6, 96, 3, 1},
	{6, 160, 3, 2},
	{6, 320, 1, 1},
}

func buildV2(c Config, v variant) *models.Node {
	in := divisibleBy8(32, c.Width)
	x := c.conv(c.image(), layer{out: in, kernel: 3, stride: 2, name: "conv_stem", norm: "bn1"})
	for stage, s := range v2Stages {
		for index := range s.blocks {
			b := inverted{name: block(stage, index), in: in, expanded: in * s.expansion, out: v.channels(s.out, c.Width), stride: 1}
			if index == 0 {
				b.stride = s.stride
			}
			b.residual = b.stride == 1 && b.in == b.out && !(stage == 0 && v.noFirstResidual)
			x, in = c.invertedResidual(x, b), b.out
		}
	}
	head := divisibleBy8(1280, max(1, c.Width)) // wider than 1 it scales, narrower it does not
	x = c.conv(x, layer{out: head, kernel: 1, stride: 1, name: "conv_head", norm: "bn2"})
	return c.head(x)
}

// inverted is an inverted residual block.
type inverted struct {
	name                      string
	in, expanded, out, stride int
	residual                  bool // adds the input, where neither size nor channels change
}

// invertedResidual expands, filters and projects; the projection has no activation. Blocks that do not expand
// have no expanding layer, and timm's names of a depthwise separable block.
func (c Config) invertedResidual(x *models.Node, b inverted) *models.Node {
	y, norms, project := x, 0, "conv_pw"
	norm := func() string { norms++; return fmt.Sprintf("%s.bn%d", b.name, norms) }
	if b.expanded != b.in {
		y = c.conv(y, layer{out: b.expanded, kernel: 1, stride: 1, name: b.name + ".conv_pw", norm: norm()})
		project = "conv_pwl"
	}
	y = c.conv(y, layer{depthwise: true, kernel: 3, stride: b.stride, name: b.name + ".conv_dw", norm: norm()})
	y = c.conv(y, layer{out: b.out, kernel: 1, stride: 1, linear: true, name: b.name + "." + project, norm: norm()})
	if b.residual {
		return y.Add(x).Named(b.name + ".add")
	}
	return y
}
