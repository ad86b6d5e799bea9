package kerasmodel

import (
	"errors"

	"depthwise.dev/models"
)

// maxPool adds a max pool. Keras' padding "same" ignores padded positions as the graph does, but its ZeroPadding2D does not:
// it is used where no value is below the zeros. Elsewhere the pool is computed at every position, with the padding "same",
// and a pool over single positions takes those that the graph computes.
func (b *builder) maxPool(l models.Layer, x *Layer) (*Layer, error) {
	rows, columns := l.Pads(l.In.Height, l.In.Width)
	none := rows == (models.Pad{}) && columns == (models.Pad{})
	switch {
	case l.Padding == models.Same:
		return b.pool(l, main, x, l.Kernel, l.Stride, "same", l.Output), nil
	case none:
		return b.pool(l, main, x, l.Kernel, l.Stride, "valid", l.Output), nil
	case b.notNegative[l.Inputs[0]]:
		return b.pool(l, main, b.zeros(l, x), l.Kernel, l.Stride, "valid", l.Output), nil
	case l.Padding == models.Symmetric && l.Kernel%2 == 0:
		return nil, errors.New("Keras has no max pool with padding symmetric of an even kernel over values that can be negative: " +
			"use an odd kernel or the padding same, or put an activation before it")
	}
	x = b.pool(l, "window", x, l.Kernel, 1, "same", l.In)
	if before := (l.Kernel - 1) / 2; l.Padding == models.BottomRight && before > 0 { // "same" begins before the first position
		shape := []int{l.In.Height - before, l.In.Width - before, l.In.Channels}
		x = b.add("Cropping2D", b.names("Cropping2D", l, "crop"), map[string]any{"cropping": [][]int{{before, 0}, {before, 0}}}, shape, x)
	}
	return b.pool(l, main, x, 1, l.Stride, "valid", l.Output), nil
}

func (b *builder) pool(l models.Layer, p part, x *Layer, kernel, stride int, padding string, out models.Shape) *Layer {
	config := map[string]any{"pool_size": []int{kernel, kernel}, "strides": []int{stride, stride}, "padding": padding}
	return b.add("MaxPooling2D", b.names("MaxPooling2D", l, p), config, kerasShape(out), x)
}
