package tflite

import (
	"math"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
)

// conv adds a convolution. Its weight is (out, in/groups, rows, columns) in the network; in the file it is (out, rows,
// columns, in/groups), and that of one filter per channel (1, rows, columns, out).
func (c *converter) conv(l deploy.Layer) error {
	k, in := l.Kernel, l.In.Channels/l.Groups
	operator, shape := opConv2D, []int32{int32(l.Out), int32(k), int32(k), int32(in)}
	order := func(i int) int { return (i/(k*k*in)*in+i%in)*k*k + i/in%(k*k) }
	if l.Depthwise() {
		operator, shape = opDepthwiseConv2D, []int32{1, int32(k), int32(k), int32(l.Out)}
		order = func(i int) int { return i%l.Out*k*k + i/l.Out }
	}
	x, padding := c.padded(l, opPad)
	weight, err := c.weight(l, shape, func(i int) float32 { return l.Weight[order(i)] })
	if err != nil {
		return err
	}
	fields := strides(l, padding)
	if l.Depthwise() {
		fields = append(fields, wide(depthwiseMultiplier, l.Out/l.In.Channels), narrow(depthwiseActivation, fused(l)))
	} else {
		fields = append(fields, narrow(convActivation, fused(l)))
	}
	c.operate(operator, []int32{x, weight, c.bias(l)}, c.result(l), fields...)
	if l.Groups > 1 && !l.Depthwise() {
		c.operators[len(c.operators)-1].version = versionGroups
	}
	return nil
}

// maxPool adds a pool. Where it pads, padded positions are the smallest values.
func (c *converter) maxPool(l deploy.Layer) error {
	x, padding := c.padded(l, opPadV2)
	c.operate(opMaxPool2D, []int32{x}, c.result(l),
		append(strides(l, padding), wide(poolWidth, l.Kernel), wide(poolHeight, l.Kernel), narrow(poolActivation, fused(l)))...)
	return nil
}

// strides are the first fields of a convolution's and a pool's options.
func strides(l deploy.Layer, padding scheme) []field {
	return []field{narrow(convPadding, padding), wide(convStrideWidth, l.Stride), wide(convStrideHeight, l.Stride)}
}

// padded returns the layer's input and the padding scheme of its operator. Where the layer pads other positions than both
// schemes do, as at stride 2 on even sizes with symmetric padding, an operator pads the input: opPad by zeros, opPadV2
// by -Inf.
func (c *converter) padded(l deploy.Layer, operator code) (int32, scheme) {
	x := c.read(l, 0)
	rows, sameRows := needed(l.Rows, l.In.Height, l.Output.Height, l)
	columns, sameColumns := needed(l.Columns, l.In.Width, l.Output.Width, l)
	switch {
	case rows == models.Pad{} && columns == models.Pad{}:
		return x, schemeValid
	case sameRows && sameColumns:
		return x, schemeSame
	}
	shape := models.Shape{Channels: l.In.Channels, Height: rows.Before + l.In.Height + rows.After, Width: columns.Before + l.In.Width + columns.After}
	inputs := []int32{x, c.constant(l.Name+"/pads", typeInt32, []int32{4, 2},
		int32s(0, 0, int32(rows.Before), int32(rows.After), int32(columns.Before), int32(columns.After), 0, 0))}
	if operator == opPadV2 {
		lowest := float32(math.Inf(-1))
		inputs = append(inputs, c.constant(l.Name+"/lowest", typeFloat32, []int32{1}, float32s(1, func(int) float32 { return lowest })))
	}
	return c.operate(operator, inputs, c.value(l.Name+"/padded", shape)), schemeValid
}

// needed is what the windows along an axis read of a pad: positions behind the last window are left out. same reports whether
// it is what TensorFlow's scheme SAME pads.
func needed(p models.Pad, size, out int, l deploy.Layer) (need models.Pad, same bool) {
	need = models.Pad{Before: p.Before, After: max(0, (out-1)*l.Stride+l.Kernel-size-p.Before)}
	pad := models.Same.Pad(size, l.Kernel, l.Stride)
	return need, need == pad && pad.OutSize(size, l.Kernel, l.Stride) == out
}
