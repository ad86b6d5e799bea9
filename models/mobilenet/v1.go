package mobilenet

import "depthwise.dev/models"

// v1 is MobileNet v1 (Howard et al. 2017, arXiv:1704.04861).
var v1 = arch{
	name:    "mobilenet_v1",
	summary: "MobileNet v1: depthwise separable convolutions (4.2 million parameters at width 1)",
	build:   buildV1,
	variants: []variant{
		{
			name: "paper", summary: "the paper's network as PyTorch users train it",
			config:   Config{Activation: models.ReLU, Padding: models.Symmetric, BNEps: 1e-5, BNMomentum: 0.1},
			channels: truncatedFrom8, preprocessing: models.ImageNetPreprocessing(),
		},
		{ // Keras layers with Keras' defaults; Keras momentum 0.99 is torch momentum 0.01.
			name: "article", summary: "Keras layers with their defaults: biases, TensorFlow's padding",
			config:   Config{Activation: models.ReLU, Padding: models.Same, ConvBias: true, BNEps: 1e-3, BNMomentum: 0.01},
			channels: truncatedFrom8, preprocessing: models.UnitPreprocessing(),
		},
		{
			name: "keras", summary: "keras.applications.MobileNet",
			config:   Config{Activation: models.ReLU6, Padding: KerasPadding, BNEps: 1e-3, BNMomentum: 0.01, Dropout: 1e-3},
			channels: truncated, preprocessing: models.InceptionPreprocessing(),
		},
		{
			name: "timm", summary: "timm's mobilenetv1_100",
			config:   Config{Activation: models.ReLU6, Padding: models.Symmetric, BNEps: 1e-5, BNMomentum: 0.1},
			channels: divisibleBy8, preprocessing: models.InceptionPreprocessing(),
		},
		{ // The peer passes momentum 0.9997 to torch's BatchNorm, where it means the opposite.
			name: "hf", alias: "slim", summary: "Hugging Face's MobileNetV1, the TensorFlow-slim network",
			config:   Config{Activation: models.ReLU6, Padding: models.Same, BNEps: 1e-3, BNMomentum: 0.0003, Dropout: 0.999},
			channels: truncatedFrom8, preprocessing: models.InceptionPreprocessing(),
		},
	},
}

// v1Blocks is Table 1 of the paper at width 1: a depthwise 3x3 convolution of a stride and a pointwise one
// to so many channels. The paper prints stride 2 for the last block too, which does not fit the 7x7 sizes
// around it: it is 1, as in TF-slim. A stride of 2 begins a stage of timm's names.
var v1Blocks = []struct{ out, stride int }{
	{64, 1},
	{128, 2}, {128, 1},
	{256, 2}, {256, 1},
	{512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1},
	{1024, 2}, {1024, 1},
}

func buildV1(c Config, v variant) *models.Node {
	x := c.conv(c.image(), layer{out: v.channels(32, c.Width), kernel: 3, stride: 2, name: "conv_stem", norm: "bn1"})
	stage, index := 0, -1
	for _, b := range v1Blocks {
		index++
		if b.stride == 2 {
			stage, index = stage+1, 0
		}
		name := block(stage, index)
		x = c.conv(x, layer{depthwise: true, kernel: 3, stride: b.stride, name: name + ".conv_dw", norm: name + ".bn1"})
		x = c.conv(x, layer{out: v.channels(b.out, c.Width), kernel: 1, stride: 1, name: name + ".conv_pw", norm: name + ".bn2"})
	}
	return c.head(x)
}
