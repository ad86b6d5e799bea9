package backend

import (
	"fmt"
	"math"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Fused computes the backbone of a MobileNet v1 as one operation by the project's CPU kernels
// ([autograd.Backbone], docs/kernels.md), in float32 or bfloat16. A network with forward hooks is computed by
// [Torch], because the kernels have no single layers' outputs.
type Fused struct{}

// Name implements [Backend].
func (Fused) Name() string { return "fused" }

// ISA implements [Backend].
func (Fused) ISA() (string, error) { return autograd.BackboneKernels() }

// Supports implements [Backend].
func (f Fused) Supports(g *models.Graph, d autograd.Device) error {
	if d != autograd.CPU {
		return &deviceError{fmt.Sprintf("the fused kernels compute on the CPU, not on %v", d)}
	}
	_, err := fusedPlan(g)
	return err
}

// SupportsPrecision implements [Backend].
func (Fused) SupportsPrecision(p autograd.Precision) error { return withoutFP16(p, "fused") }

// withoutFP16 is the error of kernels that compute in float32 and bfloat16 only.
func withoutFP16(p autograd.Precision, kernels string) error {
	if p == autograd.FP16 {
		return fmt.Errorf("the %s kernels compute in fp32 and bf16, not in fp16", kernels)
	}
	return nil
}

// plan is a graph as the kernels see it: a stem, blocks of a depthwise and a pointwise convolution, global
// pooling, and a head of dropout and a linear layer.
type plan struct {
	convolutions int // layers of the backbone; the pool follows
	head         int // place of the first layer after the pool
}

// fusedPlan matches a graph against what the kernels compute, or says which layer they do not.
func fusedPlan(g *models.Graph) (plan, error) {
	p := plan{}
	for i, l := range g.Layers {
		if l.Kind == models.KindGlobalAvgPool {
			p.convolutions, p.head = i, i+1
			break
		}
		if err := fusedConv(g, i, l); err != nil {
			return p, fmt.Errorf("layer %s: %w", l.Name, err)
		}
	}
	if p.head == 0 || p.head == len(g.Layers) || p.convolutions < 3 || p.convolutions%2 == 0 {
		return p, fmt.Errorf("the fused kernels compute a stem, blocks of a depthwise and a pointwise convolution, global average pooling and a linear layer; this graph is another")
	}
	for _, l := range g.Layers[p.convolutions:] {
		if l.Activation != nil {
			return p, fmt.Errorf("layer %s: the fused kernels have no activation behind the pool", l.Name)
		}
	}
	for i, l := range g.Layers[p.head:] {
		last := p.head+i == len(g.Layers)-1
		if last != (l.Kind == models.KindLinear) || !last && l.Kind != models.KindDropout {
			return p, fmt.Errorf("layer %s: behind the pool the fused kernels have dropout and one linear layer, not %s", l.Name, l.Kind)
		}
	}
	return p, nil
}

// fusedFunctions are the activation functions that the fused kernels compute.
var fusedFunctions = []models.Function{models.ReLU, models.ReLU6}

// fusedConv checks layer i of the backbone.
func fusedConv(g *models.Graph, i int, l models.Layer) error {
	before := models.InputName
	if i > 0 {
		before = g.Layers[i-1].Name
	}
	first := g.Layers[0]
	switch {
	case l.Kind == models.KindAdd:
		return fmt.Errorf("the fused kernels compute no residual connections")
	case l.Kind != models.KindConv:
		return fmt.Errorf("the fused kernels compute no layers of kind %s", l.Kind)
	case l.Inputs[0] != before:
		return fmt.Errorf("the fused kernels compute one layer after another, this one reads %s", l.Inputs[0])
	case l.Norm == nil || l.Activation == nil || !slices.Contains(fusedFunctions, l.Activation.Function):
		return fmt.Errorf("the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only")
	case first.Norm == nil || first.Activation == nil || l.Norm.Eps != first.Norm.Eps || l.Norm.Momentum != first.Norm.Momentum || l.Activation.Function != first.Activation.Function:
		return fmt.Errorf("the fused kernels compute one batch norm epsilon and momentum and one activation in all layers")
	case l.Stride > 2:
		return fmt.Errorf("the fused kernels compute strides 1 and 2, not %d", l.Stride)
	case i == 0 && !(l.Kernel == 3 && l.Groups == 1 && l.In.Channels == 3):
		return fmt.Errorf("the fused kernels begin with a 3x3 convolution of three channels")
	case i%2 == 1 && !(l.Depthwise() && l.Kernel == 3 && l.Out == l.In.Channels):
		return fmt.Errorf("the fused kernels compute a 3x3 depthwise convolution here, not %s %dx%d", l.Type(), l.Kernel, l.Kernel)
	case i > 0 && i%2 == 0 && !(l.Pointwise() && l.Stride == 1):
		return fmt.Errorf("the fused kernels compute a pointwise convolution here, not %s %dx%d", l.Type(), l.Kernel, l.Kernel)
	}
	return nil
}

// backbone is the operation for images of a size. The last size is kept: at batch size 1 it takes 5 % of a call to
// derive it.
func (n *Network) backbone(height, width int) autograd.Backbone {
	if first := n.fused.Layers; first == nil || first[0].Height != height || first[0].Width != width {
		n.fused = n.newBackbone(height, width)
	}
	b := n.fused
	b.Times, b.Frozen, b.Sync = n.Times, min(n.frozen.Layers, len(b.Layers)), n.sync
	return b
}

// newBackbone derives the operation from the graph.
func (n *Network) newBackbone(height, width int) autograd.Backbone {
	p, err := fusedPlan(n.Graph)
	if err != nil { // NewMachine has refused the graph
		return autograd.Backbone{}
	}
	first := n.layers[0]
	b := autograd.Backbone{Cap: math.Inf(1), Eps: first.Norm.Eps, Momentum: first.Norm.Momentum}
	if first.Activation.Function == models.ReLU6 {
		b.Cap = 6
	}
	for _, l := range n.layers[:p.convolutions] {
		layer := autograd.BackboneLayer{Kind: autograd.StemLayer}
		switch {
		case l.Depthwise():
			layer.Kind = autograd.DepthwiseLayer
		case l.Pointwise():
			layer.Kind = autograd.PointwiseLayer
		}
		layer.In, layer.Out, layer.Stride, layer.Bias = l.In.Channels, l.Out, l.Stride, l.Bias
		rows, columns := l.Pads(height, width)
		layer.Height, layer.Width, layer.Top, layer.Left = height, width, rows.Before, columns.Before
		height, width = rows.OutSize(height, l.Kernel, l.Stride), columns.OutSize(width, l.Kernel, l.Stride)
		layer.OutHeight, layer.OutWidth = height, width
		b.Layers = append(b.Layers, layer)
	}
	return b
}

// backboneTensors are the backbone's parameters and running statistics in the order that [autograd.Backbone]
// takes them.
func (n *Network) backboneTensors() (parameters, statistics []*autograd.Tensor) {
	for _, l := range n.layers {
		if l.Kind == models.KindGlobalAvgPool {
			break
		}
		parameters = append(parameters, l.weight)
		if l.bias != nil {
			parameters = append(parameters, l.bias)
		}
		parameters = append(parameters, l.norm.Weight, l.norm.Bias)
		statistics = append(statistics, l.norm.Mean, l.norm.Var)
	}
	return parameters, statistics
}

// imageSize is the height and width of images x; where x is no batch of images, those of the graph: the
// operation that is given x says what is wrong with it.
func (n *Network) imageSize(x *autograd.Tensor) (height, width int) {
	if shape := x.Shape(); len(shape) == 4 {
		return int(shape[2]), int(shape[3])
	}
	return n.Graph.Input.Height, n.Graph.Input.Width
}

// Forward implements [Backend].
func (f Fused) Forward(s *autograd.Scope, n *Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	if n.Hooked() {
		return Torch{}.Forward(s, n, x, mode)
	}
	parameters, statistics := n.backboneTensors()
	height, width := n.imageSize(x)
	return n.fusedHead(s, n.backbone(height, width).Forward(s, x, parameters, statistics, n.normMode(mode)), mode)
}

// ForwardPixels implements [Backend]. The stem normalizes the pixels as it reads them.
func (f Fused) ForwardPixels(s *autograd.Scope, n *Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	if n.Hooked() {
		return Torch{}.ForwardPixels(s, n, p, mode)
	}
	parameters, statistics := n.backboneTensors()
	return n.fusedHead(s, n.backbone(p.Height, p.Width).ForwardPixels(s, p, parameters, statistics, n.normMode(mode)), mode)
}

// fusedHead is [Network.Head] by the fused kernels, whose threads then need not share the cores with libtorch's.
func (n *Network) fusedHead(s *autograd.Scope, features *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	return n.headOf(s, features, call{mode: mode, parameters: n.DType(), fused: true})
}

// Loss implements [Backend]: in one native call.
func (Fused) Loss(s *autograd.Scope, l autograd.CrossEntropy, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, Scored) {
	loss, result := l.Fused(s, logits, t)
	return loss, Scored{Weight: result.Weight, known: []float64{result.Loss, float64(result.Correct)}}
}

// Backward implements [Backend].
func (Fused) Backward(s *autograd.Scope, loss *autograd.Tensor) { s.Backward(loss) }

// Update implements [Backend].
func (Fused) Update(s *autograd.Scope, u Update) *autograd.Readback {
	return autograd.Known(u.Fused(s))
}
