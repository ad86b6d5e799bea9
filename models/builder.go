package models

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Node is a layer's output while a graph is being built, as a Keras tensor is. Its methods add a layer
// that reads it and return that layer's output. Errors are kept and returned by [Build].
type Node struct {
	builder *builder
	index   int // of its layer in builder.layers; -1 is the image
}

// builder collects layers. A batch norm or an activation is a layer of its own until Build merges it into
// the layer before it.
type builder struct {
	input  Shape
	layers []Layer
	count  map[string]int // layers named after each Keras class
	errs   []error
}

// Input begins a graph with the image: Keras' Input.
func Input(shape Shape) *Node {
	return &Node{builder: &builder{input: shape, count: map[string]int{}}, index: -1}
}

// Conv holds the settings of a convolution.
type Conv struct {
	Out     int     // channels
	Kernel  int     // side of the window; 0 is 1
	Stride  int     // 0 is 1
	Groups  int     // 0 is 1
	Padding Padding // "" is Symmetric
	Bias    bool
}

// Conv adds a convolution: torch.nn.Conv2d, Keras' Conv2D.
func (n *Node) Conv(c Conv) *Node {
	return n.add("conv2d", Layer{Kind: KindConv, Out: c.Out, Kernel: cmp.Or(c.Kernel, 1), Stride: cmp.Or(c.Stride, 1),
		Groups: cmp.Or(c.Groups, 1), Padding: cmp.Or(c.Padding, Symmetric), Bias: c.Bias})
}

// DepthwiseConv adds a convolution with one filter per channel, Keras' DepthwiseConv2D. Out and Groups are
// the number of channels.
func (n *Node) DepthwiseConv(c Conv) *Node {
	return n.add("depthwise_conv2d", Layer{Kind: KindConv, Out: depthwise, Kernel: cmp.Or(c.Kernel, 1), Stride: cmp.Or(c.Stride, 1),
		Groups: depthwise, Padding: cmp.Or(c.Padding, Symmetric), Bias: c.Bias})
}

// depthwise stands for the number of input channels, which Build finds. No caller's number is it.
const depthwise = math.MinInt

// BatchNorm holds the settings of a batch normalization.
type BatchNorm struct {
	Eps      float64 // 0 is 1e-5, PyTorch's default
	Momentum float64 // weight of the new batch; 0 is 0.1, PyTorch's default
}

// BatchNorm adds a batch normalization of the channels: torch.nn.BatchNorm2d.
func (n *Node) BatchNorm(b BatchNorm) *Node {
	return n.add("batch_normalization", Layer{Kind: KindBatchNorm, Norm: &Norm{Eps: cmp.Or(b.Eps, 1e-5), Momentum: cmp.Or(b.Momentum, 0.1)}})
}

// ReLU adds max(x, 0).
func (n *Node) ReLU() *Node { return n.Activation(ReLU) }

// ReLU6 adds min(max(x, 0), 6).
func (n *Node) ReLU6() *Node { return n.Activation(ReLU6) }

// Activation adds an activation function.
func (n *Node) Activation(f Function) *Node {
	return n.add("re_lu", Layer{Kind: KindActivation, Activation: &Activation{Function: f}})
}

// Add adds the element-wise sum with another node: a residual connection.
func (n *Node) Add(other *Node) *Node {
	if other == nil || other.builder != n.builder {
		n.builder.errs = append(n.builder.errs, errors.New("add: the other node belongs to another graph"))
		return n
	}
	return n.add("add", Layer{Kind: KindAdd}, other)
}

// Pool holds the settings of a pool over windows.
type Pool struct {
	Kernel  int     // side of the window
	Stride  int     // 0 is Kernel
	Padding Padding // "" is Valid
}

// MaxPool adds the maximum over windows: torch.nn.MaxPool2d, Keras' MaxPooling2D.
func (n *Node) MaxPool(p Pool) *Node {
	return n.add("max_pooling2d", Layer{Kind: KindMaxPool, Kernel: p.Kernel, Stride: cmp.Or(p.Stride, p.Kernel), Padding: cmp.Or(p.Padding, Valid)})
}

// GlobalAvgPool adds the mean over all positions.
func (n *Node) GlobalAvgPool() *Node {
	return n.add("global_average_pooling2d", Layer{Kind: KindGlobalAvgPool})
}

// Flatten makes one row of channels, rows and columns.
func (n *Node) Flatten() *Node { return n.add("flatten", Layer{Kind: KindFlatten}) }

// Dropout zeros activations with a probability in training.
func (n *Node) Dropout(rate float64) *Node {
	return n.add("dropout", Layer{Kind: KindDropout, Rate: rate})
}

// Linear holds the settings of a fully connected layer.
type Linear struct {
	Out    int
	NoBias bool
}

// Linear adds a fully connected layer: torch.nn.Linear, Keras' Dense.
func (n *Node) Linear(l Linear) *Node {
	return n.add("dense", Layer{Kind: KindLinear, Out: l.Out, Bias: !l.NoBias})
}

// Named names the node's layer, and so its weights, in place of the automatic name.
func (n *Node) Named(name string) *Node {
	if n.index < 0 {
		n.builder.errs = append(n.builder.errs, fmt.Errorf("named %q: the input's name is %q always", name, InputName))
		return n
	}
	n.builder.layers[n.index].setName(name)
	return n
}

func (l *Layer) setName(name string) {
	l.Name = name
	if l.Kind == KindBatchNorm {
		l.Norm.Name = name
	}
	if l.Kind == KindActivation {
		l.Activation.Name = name
	}
}

// add appends a layer that reads n and others. Names are Keras': conv2d, conv2d_1, ...
func (n *Node) add(class string, l Layer, others ...*Node) *Node {
	b := n.builder
	name := class
	if k := b.count[class]; k > 0 {
		name = fmt.Sprintf("%s_%d", class, k)
	}
	b.count[class]++
	l.setName(name)
	l.Inputs = []string{b.reference(n.index)}
	for _, o := range others {
		l.Inputs = append(l.Inputs, b.reference(o.index))
	}
	b.layers = append(b.layers, l)
	return &Node{builder: b, index: len(b.layers) - 1}
}

// reference is how layers under construction name each other: names may still change.
func (b *builder) reference(index int) string {
	if index < 0 {
		return InputName
	}
	return fmt.Sprintf("#%d", index)
}

// Build makes the graph whose logits are the output's: Keras' Model(inputs, outputs). Layers that the
// output does not depend on are left out. It fails where a layer cannot read what it is given.
func Build(name string, output *Node) (*Graph, error) {
	if output == nil {
		return nil, fmt.Errorf("models: %w %q: the output is nil", ErrGraph, name)
	}
	b := output.builder
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("models: %w %q: %w", ErrGraph, name, err)
	}
	if output.index < 0 {
		return nil, fmt.Errorf("models: %w %q: it has no layers", ErrGraph, name)
	}
	layers := b.reachable(output.index)
	layers = merge(layers, b.reference(output.index))
	channels := map[string]int{InputName: b.input.Channels}
	for i := range layers {
		channels[layers[i].reference] = layers[i].settle(channels)
	}
	renamed := map[string]string{InputName: InputName}
	list := make([]Layer, len(layers))
	for i, p := range layers {
		renamed[p.reference] = p.Name
		list[i] = p.Layer
		list[i].Inputs = slices.Clone(p.Inputs) // the builder keeps its own
		for j, in := range list[i].Inputs {
			list[i].Inputs[j] = renamed[in]
		}
	}
	return NewGraph(name, b.input, list)
}

// pending is a layer under construction with the reference that others read it by.
type pending struct {
	Layer
	reference string
}

// settle replaces the channel counts of depthwise convolutions, and returns the layer's output channels
// (0 where later checks will report an error).
func (p *pending) settle(channels map[string]int) int {
	in := channels[p.Inputs[0]]
	if p.Groups == depthwise {
		p.Groups, p.Out = in, in
	}
	if p.Kind == KindConv || p.Kind == KindLinear {
		return p.Out
	}
	return in
}

// reachable are the layers that the output depends on, in order.
func (b *builder) reachable(output int) []pending {
	needed := make([]bool, len(b.layers))
	needed[output] = true
	references := map[string]int{}
	for i := range b.layers {
		references[b.reference(i)] = i
	}
	var list []pending
	for i := output; i >= 0; i-- {
		if !needed[i] {
			continue
		}
		for _, in := range b.layers[i].Inputs {
			if j, ok := references[in]; ok {
				needed[j] = true
			}
		}
		list = append(list, pending{Layer: b.layers[i], reference: b.reference(i)})
	}
	slices.Reverse(list)
	return list
}

// merge moves a batch norm into the convolution before it, and an activation into the layer before it,
// where nothing else reads that layer's output.
func merge(layers []pending, output string) []pending {
	readers := map[string]int{output: 1}
	for _, p := range layers {
		for _, in := range p.Inputs {
			readers[in]++
		}
	}
	var list []pending
	at := map[string]int{} // place in list of each reference
	for _, p := range layers {
		if i, ok := at[p.Inputs[0]]; ok && readers[p.Inputs[0]] == 1 && list[i].absorb(p.Layer) {
			list[i].reference = p.reference
			at[p.reference] = i
			continue
		}
		at[p.reference] = len(list)
		list = append(list, p)
	}
	return list
}

// absorb takes a following norm or activation into the layer, if it has a place for it.
func (l *Layer) absorb(next Layer) bool {
	switch {
	case next.Kind == KindBatchNorm && next.Activation == nil && l.Kind == KindConv && l.Norm == nil && l.Activation == nil:
		l.Norm = next.Norm
	case next.Kind == KindActivation && l.Activation == nil && l.Kind != KindFlatten && l.Kind != KindDropout:
		l.Activation = next.Activation
	default:
		return false
	}
	return true
}
