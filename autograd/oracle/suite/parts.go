package suite

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models"
)

// kinds has a row for each kind of layers: the function that makes the case of a layer without its
// batch norm and activation. The inputs are the outputs that the layer reads, then its weight and
// its bias. A nil function is the identity.
var kinds = map[models.Kind]func(l models.Layer, inputs []Input) Case{
	models.KindConv: func(l models.Layer, inputs []Input) Case {
		return convolution(l.Name+", convolution", inputs, convOf(l))
	},
	models.KindBatchNorm:     nil, // its batch norm follows
	models.KindActivation:    nil, // its activation follows
	models.KindAdd:           sum,
	models.KindMaxPool:       maxPool,
	models.KindGlobalAvgPool: globalAvgPool,
	models.KindFlatten:       flatten,
	models.KindDropout:       nil, // random: see NewNetwork
	models.KindLinear:        linear,
}

// Part is one step of a network: a layer's operation, its batch norm, its activation, or the loss.
type Part struct {
	Layer string // the layer's name in the graph, or "loss"
	// Reads are the indices in [Network.Parts] of the parts whose outputs are the first inputs of
	// the case; -1 is the images. Those inputs are empty until a check has computed them.
	Reads []int
	Case  Case
}

// imagesIndex is the index of the images in [Part.Reads].
const imagesIndex = -1

// Parts returns the network's steps in the order of the forward pass. Together they compute what
// the whole network does; each by itself can also be compared in low precision, on identical
// inputs.
func (n Network) Parts() ([]Part, error) {
	arrays, err := n.inputs()
	if err != nil {
		return nil, err
	}
	b := partsBuilder{network: n, arrays: arrays, outputs: map[string]int{models.InputName: imagesIndex}}
	for _, l := range n.Graph.Layers {
		if err := b.layer(l); err != nil {
			return nil, err
		}
	}
	last := b.outputs[n.Graph.Layers[len(n.Graph.Layers)-1].Name]
	b.add("loss", []int{last}, crossEntropy("loss", b.take(1, 0), n.Labels, n.Smoothing))
	return b.parts, nil
}

// Rows returns the names of the rows of [CheckLayers]: the layers that compute something in a
// check, and the loss.
func (n Network) Rows() []string {
	var names []string
	for _, l := range n.Graph.Layers {
		if kinds[l.Kind] != nil || l.Norm != nil || l.Activation != nil {
			names = append(names, l.Name)
		}
	}
	return append(names, "loss")
}

// partsBuilder walks through a graph.
type partsBuilder struct {
	network Network
	parts   []Part
	arrays  []Input        // of the layers to come, in file order
	outputs map[string]int // index of the part that computes each layer's output
}

// layer adds the parts of a layer.
func (b *partsBuilder) layer(l models.Layer) error {
	operation, ok := kinds[l.Kind]
	if !ok {
		return fmt.Errorf("suite: layer %s: kinds (parts.go) has no row for layers of kind %q", l.Name, l.Kind)
	}
	var reads []int
	for _, name := range l.Inputs {
		reads = append(reads, b.outputs[name])
	}
	if operation != nil {
		reads = b.add(l.Name, reads, operation(l, b.take(len(reads), ownArrays(l))))
	}
	if n := l.Norm; n != nil {
		reads = b.add(l.Name, reads, normalization(l.Name+", "+n.Name, b.take(1, 4), b.network.Mode, n.Momentum, n.Eps))
	}
	if a := l.Activation; a != nil {
		reads = b.add(l.Name, reads, activation(l.Name+", activation", a.Function, b.take(1, 0)[0]))
	}
	b.outputs[l.Name] = reads[0]
	return nil
}

// ownArrays is the number of a layer's arrays without those of its batch norm.
func ownArrays(l models.Layer) int {
	count := 0
	if l.WeightShape() != nil {
		count++
	}
	if l.Bias {
		count++
	}
	return count
}

// take returns the inputs of the next case: the outputs of other parts, and the next arrays.
func (b *partsBuilder) take(outputs, arrays int) []Input {
	list := []Input{{Name: "x", Activation: true}, {Name: "y", Activation: true}}[:outputs]
	list = append(list, b.arrays[:arrays]...)
	b.arrays = b.arrays[arrays:]
	return list
}

// add appends a part and returns its index as what the next one reads. A part that reads float32
// outputs only computes in float32 in a bfloat16 network too.
func (b *partsBuilder) add(layer string, reads []int, c Case) []int {
	full := true
	for _, i := range reads {
		full = full && i != imagesIndex && b.parts[i].Case.FullPrecision
	}
	c.FullPrecision = c.FullPrecision || full
	b.parts = append(b.parts, Part{Layer: layer, Reads: reads, Case: c})
	return []int{len(b.parts) - 1}
}

// sum is a residual connection, over x and y.
func sum(l models.Layer, inputs []Input) Case {
	return Case{Name: l.Name, Inputs: inputs,
		Torch:    func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.Add(in[0], in[1]) },
		Gorgonia: one(sumNode)}
}

// maxPool pads with zeros where the four sides differ, as package backend does.
func maxPool(l models.Layer, inputs []Input) Case {
	c := convOf(l)
	return Case{Name: l.Name, Inputs: inputs, Window: l.Kernel,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			p := autograd.Pool{Kernel: int64(l.Kernel), Stride: int64(l.Stride)}
			x := in[0]
			if symmetric(c) {
				p.Padding = int64(c.Top)
			} else {
				x = s.Pad2d(x, int64(c.Left), int64(c.Right), int64(c.Top), int64(c.Bottom))
			}
			return s.MaxPool2d(x, p)
		},
		Gorgonia: one(func(g *oracle.Graph, in []*oracle.Node) *oracle.Node { return maxPoolNode(g, in[0], l) })}
}

// symmetric reports whether all four sides have the same padding.
func symmetric(c oracle.Conv) bool { return c.Top == c.Bottom && c.Left == c.Right && c.Top == c.Left }

// globalAvgPool is the mean over all positions.
func globalAvgPool(l models.Layer, inputs []Input) Case {
	return Case{Name: l.Name, Inputs: inputs, FullPrecision: true,
		Torch:    func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.GlobalAvgPool(in[0]) },
		Gorgonia: one(func(g *oracle.Graph, in []*oracle.Node) *oracle.Node { return g.GlobalAvgPool(in[0]) })}
}

// flatten makes one row of channels, rows and columns.
func flatten(l models.Layer, inputs []Input) Case {
	return Case{Name: l.Name, Inputs: inputs,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Reshape(in[0], in[0].Shape()[0], int64(l.Output.Channels))
		},
		Gorgonia: one(func(g *oracle.Graph, in []*oracle.Node) *oracle.Node { return flattenNode(g, in[0], l) })}
}

// linear is a fully connected layer, over x, weight and, if there is one, bias.
func linear(l models.Layer, inputs []Input) Case {
	return Case{Name: l.Name, Inputs: inputs, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			return s.Linear(in[0], in[1], append(in, nil)[2])
		},
		Gorgonia: one(func(g *oracle.Graph, in []*oracle.Node) *oracle.Node {
			return g.Linear(in[0], in[1], append(in, nil)[2])
		})}
}

// activation is an activation function of x.
func activation(name string, f models.Function, x Input) Case {
	kinks := []float64{0}
	if f == models.ReLU6 {
		kinks = []float64{0, 6}
	}
	return Case{Name: name, Inputs: []Input{x}, Kinks: kinks,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			if f == models.ReLU6 {
				return s.ReLU6(in[0])
			}
			return s.ReLU(in[0])
		},
		Gorgonia: one(func(g *oracle.Graph, in []*oracle.Node) *oracle.Node { return activationNode(g, in[0], f) })}
}
