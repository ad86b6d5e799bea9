package mobilenet

// Cost is what one pass through a layer takes at least, whatever computes it so: products, and bytes that go between
// processor and memory when every tensor is read and written no more often than the fused kernels have to.
type Cost struct{ MultiplyAdds, Bytes int64 }

// Channels are stored in groups of so many (kLanes in autograd/native/fused.h); the last ones may be padding.
const lanes = 16

// Bytes of the numbers that are float32 in either precision: weights and their gradients, features.
const floatBytes = 4

// padded is a number of channels as it is stored.
func padded(channels int) int64 { return int64((channels + lanes - 1) / lanes * lanes) }

// Costs are those of the layer's forward and backward pass by the fused kernels for so many images, whose activations
// take so many bytes a value: 4, or 2 in bfloat16. The backward pass has the products of the forward pass once for the
// gradient of the input, which the stem needs not have, and once for that of the weight. docs/layers.md has the bytes as a
// table. The head is libtorch's: its bytes are not counted.
func (l Layer) Costs(images, value int) (forward, backward Cost) {
	n, bytes := int64(images), int64(value)
	rows := n * int64(l.OutSize) * int64(l.OutSize)
	in := n * int64(l.InSize) * int64(l.InSize) * padded(l.In) * bytes // the input's activations
	out := rows * padded(l.Out) * bytes                                // the raw output, and as much for its gradient
	forward.MultiplyAdds = n * l.MultiplyAdds()
	backward.MultiplyAdds = 2 * forward.MultiplyAdds
	weights := l.weights()
	switch l.Kind {
	case Conv:
		image := n * l.imageValues() * bytes
		backward.MultiplyAdds = forward.MultiplyAdds
		forward.Bytes = image + weights*bytes + out
		backward.Bytes = image + 2*out + weights*floatBytes
	case Depthwise:
		forward.Bytes = in + weights*floatBytes + out
		backward.Bytes = 2*out + 2*in + 2*weights*floatBytes
	case Pointwise:
		forward.Bytes = in + weights*bytes + out
		backward.Bytes = 2*out + 2*in + weights*(bytes+floatBytes)
	case Pool:
		features := n * int64(l.Out) * floatBytes
		forward.Bytes = in + features
		backward.Bytes = 2*in + features
	}
	return forward, backward
}

// InferCost is that of the layer in inference by the fused kernels, from the images' bytes. A block's two convolutions are
// computed in one tile, whose depthwise output is never in memory: the depthwise layer reads the block's input, the pointwise one
// writes its output. The head computes in float32.
func (l Layer) InferCost(images, value int) Cost {
	n, bytes := int64(images), int64(value)
	in := n * int64(l.InSize) * int64(l.InSize) * padded(l.In) * bytes
	out := n * int64(l.OutSize) * int64(l.OutSize) * padded(l.Out) * bytes
	cost := Cost{MultiplyAdds: n * l.MultiplyAdds()}
	switch l.Kind {
	case Conv:
		cost.Bytes = n*int64(l.InSize)*int64(l.InSize)*int64(l.In) + l.weights()*bytes + out
	case Depthwise:
		cost.Bytes = in + l.weights()*floatBytes
	case Pointwise:
		cost.Bytes = l.weights()*bytes + out
	case Pool:
		cost.Bytes = in + n*int64(l.Out)*floatBytes
	case Linear:
		cost.Bytes = (n*int64(l.In) + l.weights() + n*int64(l.Out)) * floatBytes
	}
	return cost
}

// weights are those of a convolution, without biases.
func (l Layer) weights() int64 {
	return int64(l.In/max(l.Groups, 1)) * int64(l.Out) * int64(l.Kernel) * int64(l.Kernel)
}

// imageValues are those of one image as the stem reads it: just what its windows cover, with the padding.
func (l Layer) imageValues() int64 {
	side := int64(l.OutSize-1)*int64(l.Stride) + int64(l.Kernel)
	return side * side * int64(l.In)
}

// PackCost is that of the weights on their way into the layout and type of the kernels, once for each pass that a training
// step makes with them: pointwise layers have theirs in two layouts.
func (c Config) PackCost(value int) Cost {
	var cost Cost
	for _, l := range c.Layers() {
		if !l.Convolution() {
			continue
		}
		weights := l.weights()
		read, written := weights*floatBytes, weights*int64(value)
		switch l.Kind {
		case Pointwise:
			written *= 2
		case Depthwise:
			written = weights * floatBytes
		}
		cost.Bytes += read + written
	}
	return cost
}

// ImageCost is that of the images' bytes on their way, normalized, into the type and padding that the stem reads.
func (c Config) ImageCost(images, value int) Cost {
	stem := c.Layers()[0]
	pixels := int64(c.Resolution) * int64(c.Resolution) * int64(stem.In)
	return Cost{Bytes: int64(images) * (pixels + stem.imageValues()*int64(value))}
}
