package models

import "slices"

// Kind says what a layer computes. To add one, add a row to kinds (kinds.go), to the operations of
// package backend (operations.go) and to those of autograd/oracle/suite (parts.go).
type Kind string

// The kinds of layers.
const (
	KindConv          Kind = "conv"            // convolution, with optional batch norm and activation
	KindBatchNorm     Kind = "batch_norm"      // batch norm that does not directly follow a convolution
	KindActivation    Kind = "activation"      // activation that does not directly follow another layer
	KindAdd           Kind = "add"             // element-wise sum of two inputs: a residual connection
	KindMaxPool       Kind = "max_pool"        // maximum over a window
	KindGlobalAvgPool Kind = "global_avg_pool" // mean over all positions
	KindFlatten       Kind = "flatten"         // (C, H, W) to (C*H*W)
	KindDropout       Kind = "dropout"         // zeros a random fraction in training
	KindLinear        Kind = "linear"          // fully connected
)

// Function is an activation function.
type Function string

// The activation functions.
const (
	ReLU  Function = "relu"  // max(x, 0)
	ReLU6 Function = "relu6" // min(max(x, 0), 6)
)

// Functions lists the activation functions.
var Functions = []Function{ReLU, ReLU6}

// Norm is a batch normalization over the channels (https://arxiv.org/abs/1502.03167).
type Norm struct {
	Name     string  `json:"name"`     // prefix of its arrays: "blocks.0.0.bn1"
	Eps      float64 `json:"eps"`      // added to the variance
	Momentum float64 `json:"momentum"` // weight of the new batch in the running statistics, PyTorch's sense
}

// Activation is an activation function behind a layer.
type Activation struct {
	Name     string   `json:"name"` // in the summary
	Function Function `json:"function"`
}

// Layer is a node of a [Graph]: one operation with the batch norm and the activation that follow it.
// Fields that a kind does not use are zero.
type Layer struct {
	Kind   Kind     `json:"kind"`
	Name   string   `json:"name"`   // unique; prefix of its weight and bias: "blocks.1.0.conv_dw"
	Inputs []string `json:"inputs"` // names of the layers that it reads; [InputName] is the image

	Out     int     `json:"out,omitempty"`     // channels of a convolution, outputs of a linear layer
	Kernel  int     `json:"kernel,omitempty"`  // side of the window of a convolution or a pool
	Stride  int     `json:"stride,omitempty"`  // of the window
	Groups  int     `json:"groups,omitempty"`  // of a convolution; the number of input channels makes it depthwise
	Padding Padding `json:"padding,omitempty"` // of a convolution or a pool
	Bias    bool    `json:"bias,omitempty"`    // the convolution or linear layer has a bias, besides that of its norm
	Rate    float64 `json:"rate,omitempty"`    // probability of dropout

	Norm       *Norm       `json:"norm,omitempty"`
	Activation *Activation `json:"activation,omitempty"`

	// In is the shape of the first input, Output that of the result, both at the graph's input size. A
	// graph computes them; its JSON form leaves them out.
	In     Shape `json:"-"`
	Output Shape `json:"-"`
}

// clone copies the layer with what it points to.
func (l Layer) clone() Layer {
	l.Inputs = slices.Clone(l.Inputs)
	if l.Norm != nil {
		norm := *l.Norm
		l.Norm = &norm
	}
	if l.Activation != nil {
		activation := *l.Activation
		l.Activation = &activation
	}
	return l
}

// InputName is the name of a graph's input in [Layer.Inputs].
const InputName = "input"

// Depthwise reports whether the layer is a convolution with one filter per channel.
func (l Layer) Depthwise() bool {
	return l.Kind == KindConv && l.Groups > 1 && l.Groups == l.In.Channels
}

// Pointwise reports whether the layer is a 1x1 convolution over all channels.
func (l Layer) Pointwise() bool { return l.Kind == KindConv && l.Kernel == 1 && l.Groups == 1 }

// Windowed reports whether the layer slides a window over its input.
func (l Layer) Windowed() bool { return l.Kind == KindConv || l.Kind == KindMaxPool }

// Pads returns the zeros added to the rows and columns of an input of a size.
func (l Layer) Pads(height, width int) (rows, columns Pad) {
	return l.Padding.Pad(height, l.Kernel, l.Stride), l.Padding.Pad(width, l.Kernel, l.Stride)
}

// Type is the layer's kind with convolutions told apart: conv, depthwise or pointwise.
func (l Layer) Type() string {
	switch {
	case l.Depthwise():
		return "depthwise"
	case l.Pointwise():
		return "pointwise"
	}
	return string(l.Kind)
}

// WeightShape is the shape of the layer's weight: (out, in/groups, k, k) of convolutions, (out, in) of
// linear layers, nil of others.
func (l Layer) WeightShape() []int64 {
	switch l.Kind {
	case KindConv:
		return []int64{int64(l.Out), int64(l.In.Channels / l.Groups), int64(l.Kernel), int64(l.Kernel)}
	case KindLinear:
		return []int64{int64(l.Out), int64(l.In.Channels)}
	default:
		return nil
	}
}

// Params counts weight and bias, without the batch norm's.
func (l Layer) Params() int64 {
	shape := l.WeightShape()
	if shape == nil {
		return 0
	}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	if l.Bias {
		n += int64(l.Out)
	}
	return n
}

// MultiplyAdds counts the products of one image's forward pass: those of convolutions and linear layers.
// Biases, batch norm, activations and pools are left out, as in the MobileNet paper.
func (l Layer) MultiplyAdds() int64 {
	shape := l.WeightShape()
	if shape == nil {
		return 0
	}
	n := l.Output.Positions()
	for _, d := range shape {
		n *= d
	}
	return n
}
