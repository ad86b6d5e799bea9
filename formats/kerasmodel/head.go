package kerasmodel

import (
	"strings"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// linear adds a linear layer as Dense, the last one with a softmax or a sigmoid.
func (b *builder) linear(l models.Layer, x *Layer, last bool) *Layer {
	if last && isApplicationsV1(b.config) {
		return b.convolutionalHead(l, x)
	}
	config := map[string]any{"units": l.Out, "use_bias": l.Bias, "activation": "linear"}
	if last && l.Activation == nil {
		config["activation"] = b.probabilities()
	}
	layer := b.add("Dense", b.names("Dense", l, main), config, kerasShape(l.Output), x)
	layer.weights(l, []int{l.In.Channels, l.Out})
	return layer
}

// isApplicationsV1 reports whether a network is computed as keras.applications.MobileNet. Others have a Dense layer as head,
// so that their weights do not load into keras.applications.MobileNet, which would compute something else with them.
func isApplicationsV1(c *mobilenet.Config) bool {
	if c == nil || c.Arch != "mobilenet_v1" || c.Variant != "keras" {
		return false
	}
	d, err := mobilenet.Default(c.Arch, c.Variant)
	return err == nil && c.Padding == d.Padding && c.Activation == d.Activation && c.ConvBias == d.ConvBias && c.BNEps == d.BNEps
}

// convolutionalHead is the head of keras.applications.MobileNet: a 1x1 convolution on the pooled features.
func (b *builder) convolutionalHead(l models.Layer, x *Layer) *Layer {
	for in := x; in != nil && (in.Class == "Dropout" || in.Class == "GlobalAveragePooling2D"); in = in.Inputs[0] {
		in.Shape = []int{1, 1, l.In.Channels}
		if in.Class == "GlobalAveragePooling2D" {
			in.Config["keepdims"] = true
		}
	}
	config := map[string]any{"filters": l.Out, "groups": 1, "kernel_size": []int{1, 1}, "strides": []int{1, 1}, "padding": "same", "use_bias": l.Bias}
	layer := b.add("Conv2D", b.names("Conv2D", l, main), config, []int{1, 1, l.Out}, x)
	layer.weights(l, []int{1, 1, l.In.Channels, l.Out})
	x = b.add("Reshape", "reshape_2", map[string]any{"target_shape": []int{l.Out}}, kerasShape(l.Output), layer)
	return b.add("Activation", "predictions", map[string]any{"activation": b.probabilities()}, kerasShape(l.Output), x)
}

// isDepthwiseName holds for the depthwise layers of MobileNets; those of one channel are ordinary convolutions too.
func isDepthwiseName(name string) bool { return strings.HasSuffix(name, ".conv_dw") }
