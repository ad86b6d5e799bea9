package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Cost is the least that one pass through a layer takes: products, and bytes that move between
// processor and memory when every tensor is read and written as often as the fused kernels have to.
type Cost struct{ MultiplyAdds, Bytes int64 }

// floatBytes is the size of values that are float32 in either precision: weights and their gradients,
// features.
const floatBytes = 4

// stored is the number of channels as the kernels store them: padded to a multiple of their lanes.
func stored(channels int) int64 {
	const lanes = autograd.BackboneLanes
	return int64((channels + lanes - 1) / lanes * lanes)
}

// activations are the bytes of a batch's activations of a shape, as the kernels store them.
func activations(s models.Shape, images, value int) int64 {
	return int64(images) * s.Positions() * stored(s.Channels) * int64(value)
}

// TrainingCost returns the cost of a layer's forward and backward pass by the fused kernels for a
// batch of images, whose activations take value bytes each: 4, or 2 in bfloat16. The backward pass has
// the products of the forward pass once for the gradient of the input, which the stem does not need,
// and once for that of the weight. docs/layers.md has the bytes as a table. libtorch computes the
// head: its bytes are not counted.
func TrainingCost(l models.Layer, images, value int) (forward, backward Cost) {
	bytes, weights := int64(value), weightValues(l)
	in := activations(l.In, images, value)
	out := activations(l.Output, images, value) // the raw output, and as much for its gradient
	forward.MultiplyAdds = int64(images) * l.MultiplyAdds()
	backward.MultiplyAdds = 2 * forward.MultiplyAdds
	switch {
	case l.Depthwise():
		forward.Bytes = in + weights*floatBytes + out
		backward.Bytes = 2*out + 2*in + 2*weights*floatBytes
	case l.Pointwise():
		forward.Bytes = in + weights*bytes + out
		backward.Bytes = 2*out + 2*in + weights*(bytes+floatBytes)
	case l.Kind == models.KindConv:
		image := int64(images) * windowValues(l) * bytes
		backward.MultiplyAdds = forward.MultiplyAdds
		forward.Bytes = image + weights*bytes + out
		backward.Bytes = image + 2*out + weights*floatBytes
	case l.Kind == models.KindGlobalAvgPool:
		features := int64(images) * int64(l.Output.Channels) * floatBytes
		forward.Bytes = in + features
		backward.Bytes = 2*in + features
	}
	return forward, backward
}

// InferenceCost returns the cost of a layer in inference by the fused kernels, from the images' bytes.
// A block's two convolutions are computed in one tile, whose depthwise output is never in memory: the
// depthwise layer reads the block's input, the pointwise one writes its output. The head computes in
// float32.
func InferenceCost(l models.Layer, images, value int) Cost {
	n, bytes, weights := int64(images), int64(value), weightValues(l)
	in, out := activations(l.In, images, value), activations(l.Output, images, value)
	cost := Cost{MultiplyAdds: n * l.MultiplyAdds()}
	switch {
	case l.Depthwise():
		cost.Bytes = in + weights*floatBytes
	case l.Pointwise():
		cost.Bytes = weights*bytes + out
	case l.Kind == models.KindConv:
		cost.Bytes = n*l.In.Values() + weights*bytes + out
	case l.Kind == models.KindGlobalAvgPool:
		cost.Bytes = in + n*int64(l.Output.Channels)*floatBytes
	case l.Kind == models.KindLinear:
		cost.Bytes = (n*int64(l.In.Channels) + weights + n*int64(l.Out)) * floatBytes
	}
	return cost
}

// weightValues is the size of a layer's weight, without its bias; 0 of a layer without one.
func weightValues(l models.Layer) int64 {
	shape := l.WeightShape()
	if shape == nil {
		return 0
	}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// windowValues are those of one image that the stem's windows cover, with the padding.
func windowValues(l models.Layer) int64 {
	side := func(out int) int64 { return int64(out-1)*int64(l.Stride) + int64(l.Kernel) }
	return side(l.Output.Height) * side(l.Output.Width) * int64(l.In.Channels)
}

// PackCost returns the cost of converting the weights to the layout and type of the kernels, once for
// each pass of a training step that reads them: pointwise layers have theirs in two layouts.
func PackCost(g *models.Graph, value int) Cost {
	var cost Cost
	for _, l := range g.Layers {
		if l.Kind != models.KindConv {
			continue
		}
		weights := weightValues(l)
		read, written := weights*floatBytes, weights*int64(value)
		switch {
		case l.Pointwise():
			written *= 2
		case l.Depthwise():
			written = weights * floatBytes
		}
		cost.Bytes += read + written
	}
	return cost
}

// ImageCost returns the cost of converting the images' bytes, normalized, to the type and padding that the stem reads; zero
// of a graph that does not begin with a convolution.
func ImageCost(g *models.Graph, images, value int) Cost {
	if g.Layers[0].Kind != models.KindConv {
		return Cost{}
	}
	return Cost{Bytes: int64(images) * (g.Input.Values() + windowValues(g.Layers[0])*int64(value))}
}
