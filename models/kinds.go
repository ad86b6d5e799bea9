package models

import (
	"fmt"
	"maps"
	"slices"
)

// kind is what the graph knows of a kind of layers.
type kind struct {
	inputs int    // how many layers it reads
	keras  string // Keras' class, in the summary
	// output checks the layer's fields and returns the shape of its result. The input shapes are valid.
	output func(l Layer, in []Shape) (Shape, error)
}

// kinds has a row for each kind of layers.
var kinds = map[Kind]kind{
	KindConv:          {1, "Conv2D", convOutput},
	KindBatchNorm:     {1, "BatchNormalization", sameShape},
	KindActivation:    {1, "Activation", sameShape},
	KindAdd:           {2, "Add", addOutput},
	KindMaxPool:       {1, "MaxPooling2D", poolOutput},
	KindGlobalAvgPool: {1, "GlobalAveragePooling2D", globalPoolOutput},
	KindFlatten:       {1, "Flatten", func(_ Layer, in []Shape) (Shape, error) { return Shape{Channels: int(in[0].Values())}, nil }},
	KindDropout:       {1, "Dropout", dropoutOutput},
	KindLinear:        {1, "Dense", linearOutput},
}

// Kinds lists the kinds of layers, sorted.
func Kinds() []Kind { return slices.Sorted(maps.Keys(kinds)) }

// Limits of a layer, so that a slip (a width of 64 for 0.64) or a damaged file is an error and not an
// allocation of gigabytes.
const (
	maxChannels = 1 << 14
	maxOutputs  = 1 << 20 // of a linear layer
	maxKernel   = 1 << 8
	maxValues   = 1 << 31 // activations of one image in one layer
)

func sameShape(_ Layer, in []Shape) (Shape, error) { return in[0], nil }

func addOutput(_ Layer, in []Shape) (Shape, error) {
	if in[0] != in[1] {
		return Shape{}, fmt.Errorf("adds inputs of shapes %v and %v: they must be equal", in[0], in[1])
	}
	return in[0], nil
}

// window is the output of a layer that slides a window.
func window(l Layer, in Shape, channels int) (Shape, error) {
	switch {
	case !in.Spatial():
		return Shape{}, fmt.Errorf("needs an input with rows and columns, not %v", in)
	case l.Kernel < 1 || l.Kernel > maxKernel:
		return Shape{}, fmt.Errorf("kernel %d: must be 1 to %d", l.Kernel, maxKernel)
	case l.Stride < 1 || l.Stride > maxKernel:
		return Shape{}, fmt.Errorf("stride %d: must be 1 to %d", l.Stride, maxKernel)
	case l.Padding != Symmetric && l.Padding != Same && l.Padding != BottomRight && l.Padding != Valid:
		return Shape{}, fmt.Errorf("padding %q: must be one of %v", l.Padding, Paddings)
	}
	rows, columns := l.Pads(in.Height, in.Width)
	out := Shape{Channels: channels, Height: rows.OutSize(in.Height, l.Kernel, l.Stride), Width: columns.OutSize(in.Width, l.Kernel, l.Stride)}
	if out.Height < 1 || out.Width < 1 {
		return Shape{}, fmt.Errorf("a %dx%d window does not fit into %v: take a larger resolution or more padding", l.Kernel, l.Kernel, in)
	}
	return out, nil
}

func convOutput(l Layer, in []Shape) (Shape, error) {
	switch {
	case !in[0].Spatial():
		return window(l, in[0], l.Out) // an error
	case l.Out < 1 || l.Out > maxChannels:
		return Shape{}, fmt.Errorf("%d output channels: must be 1 to %d", l.Out, maxChannels)
	case l.Groups < 1 || in[0].Channels%l.Groups != 0 || l.Out%l.Groups != 0:
		return Shape{}, fmt.Errorf("%d groups: must divide the %d input and %d output channels", l.Groups, in[0].Channels, l.Out)
	}
	return window(l, in[0], l.Out)
}

func poolOutput(l Layer, in []Shape) (Shape, error) {
	return window(l, in[0], in[0].Channels)
}

func globalPoolOutput(_ Layer, in []Shape) (Shape, error) {
	if !in[0].Spatial() {
		return Shape{}, fmt.Errorf("needs an input with rows and columns, not %v", in[0])
	}
	return Shape{Channels: in[0].Channels}, nil
}

func dropoutOutput(l Layer, in []Shape) (Shape, error) {
	if !(l.Rate >= 0 && l.Rate < 1) {
		return Shape{}, fmt.Errorf("dropout rate %v: must be at least 0 and below 1", l.Rate)
	}
	return in[0], nil
}

func linearOutput(l Layer, in []Shape) (Shape, error) {
	switch {
	case in[0].Spatial():
		return Shape{}, fmt.Errorf("reads %v: pool or flatten it first", in[0])
	case l.Out < 1 || l.Out > maxOutputs:
		return Shape{}, fmt.Errorf("%d outputs: must be 1 to %d", l.Out, maxOutputs)
	}
	return Shape{Channels: l.Out}, nil
}
