package backend

import "depthwise.dev/models"

// Cost is the least that a pass through a layer takes, whatever computes it: products, and the bytes moved between
// processor and memory when every tensor is read and written no more often than the fused kernels must.
type Cost struct{ MultiplyAdds, Bytes int64 }

// lanes is the number of channels that the kernels store as a group (kLanes in autograd/native/fused.h); the last ones
// may be padding.
const lanes = 16

// floatBytes is the size of values that are float32 in either precision: weights and their gradients, features.
const floatBytes = 4

// activations is what n images' activations take as the kernels store them, at bytes a value.
func activations(n int64, s models.Shape, bytes int64) int64 {
	padded := int64((s.Channels + lanes - 1) / lanes * lanes)
	return n * s.Positions() * padded * bytes
}

// weightCount is the number of values of a layer's weight, without its bias.
func weightCount(l models.Layer) int64 {
	n := int64(1)
	for _, d := range l.WeightShape() {
		n *= d
	}
	return n
}

// TrainingCost is the cost of a layer's forward and backward pass by the fused kernels for a number of images, whose
// activations take bytesPerValue: 4, or 2 in bfloat16. The backward pass has the products of the forward pass once for
// the gradient of the input, which the stem does not need, and once for that of the weight. docs/layers.md has the bytes
// as a table. libtorch computes the head: its bytes are not counted.
func TrainingCost(l models.Layer, images, bytesPerValue int) (forward, backward Cost) {
	n, bytes := int64(images), int64(bytesPerValue)
	in := activations(n, l.In, bytes)
	out := activations(n, l.Output, bytes) // the raw output, and as much for its gradient
	forward.MultiplyAdds = n * l.MultiplyAdds()
	backward.MultiplyAdds = 2 * forward.MultiplyAdds
	weights := weightCount(l)
	switch l.Type() {
	case "conv":
		image := n * imageValues(l) * bytes
		backward.MultiplyAdds = forward.MultiplyAdds
		forward.Bytes = image + weights*bytes + out
		backward.Bytes = image + 2*out + weights*floatBytes
	case "depthwise":
		forward.Bytes = in + weights*floatBytes + out
		backward.Bytes = 2*out + 2*in + 2*weights*floatBytes
	case "pointwise":
		forward.Bytes = in + weights*bytes + out
		backward.Bytes = 2*out + 2*in + weights*(bytes+floatBytes)
	case "global_avg_pool":
		features := n * int64(l.Output.Channels) * floatBytes
		forward.Bytes = in + features
		backward.Bytes = 2*in + features
	}
	return forward, backward
}

// InferenceCost is the cost of a layer in inference by the fused kernels, from the images' bytes. A block's two
// convolutions are computed in one tile, whose depthwise output is never in memory: the depthwise layer reads the
// block's input, the pointwise one writes its output. The head computes in float32.
func InferenceCost(l models.Layer, images, bytesPerValue int) Cost {
	n, bytes := int64(images), int64(bytesPerValue)
	in, out := activations(n, l.In, bytes), activations(n, l.Output, bytes)
	weights := weightCount(l)
	cost := Cost{MultiplyAdds: n * l.MultiplyAdds()}
	switch l.Type() {
	case "conv":
		cost.Bytes = n*l.In.Values() + weights*bytes + out
	case "depthwise":
		cost.Bytes = in + weights*floatBytes
	case "pointwise":
		cost.Bytes = weights*bytes + out
	case "global_avg_pool":
		cost.Bytes = in + n*int64(l.Output.Channels)*floatBytes
	case "linear":
		cost.Bytes = (n*int64(l.In.Channels) + weights + n*int64(l.Out)) * floatBytes
	}
	return cost
}

// imageValues is the number of values of one image as the stem reads it: just what its windows cover, with the padding.
func imageValues(l models.Layer) int64 {
	rows := int64(l.Output.Height-1)*int64(l.Stride) + int64(l.Kernel)
	columns := int64(l.Output.Width-1)*int64(l.Stride) + int64(l.Kernel)
	return rows * columns * int64(l.In.Channels)
}

// PackCost is the cost of converting the weights into the layout and type of the kernels, once for each pass that a
// training step makes with them: pointwise layers need theirs in two layouts.
func PackCost(g *models.Graph, bytesPerValue int) Cost {
	var cost Cost
	for _, l := range g.Layers {
		if l.Kind != models.KindConv {
			continue
		}
		weights := weightCount(l)
		read, written := weights*floatBytes, weights*int64(bytesPerValue)
		switch l.Type() {
		case "pointwise":
			written *= 2
		case "depthwise":
			written = weights * floatBytes
		}
		cost.Bytes += read + written
	}
	return cost
}

// ImageCost is the cost of converting the images' bytes, normalized, into the type and padding that the stem reads. It is
// 0 of a graph that does not begin with a convolution.
func ImageCost(g *models.Graph, images, bytesPerValue int) Cost {
	stem := g.Layers[0]
	if stem.Kind != models.KindConv {
		return Cost{}
	}
	return Cost{Bytes: int64(images) * (stem.In.Values() + imageValues(stem)*int64(bytesPerValue))}
}
