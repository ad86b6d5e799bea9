package onnx

import (
	"errors"
	"fmt"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// Names of the input and the output of all exported networks.
const (
	inputName  = "input"
	outputName = "logits"
)

// builder collects the nodes and arrays of a network.
type builder struct {
	options Options
	graph   graph
	names   names
	arrays  map[string]string // the name in the file of each array
	results map[string]string // the value that each layer gives
	relu6   []string          // the limits of Clip
}

// build makes the graph of a network.
func build(n deploy.Network, o Options) (graph, error) {
	if len(n.Layers) == 0 {
		return graph{}, errors.New("onnx: the network has no layers")
	}
	b := builder{options: o, graph: graph{name: names{}.take(n.Name)}, names: names{inputName: true, outputName: true},
		arrays: map[string]string{}, results: map[string]string{}}
	for _, l := range n.Layers { // before all other names, so that arrays keep theirs
		if err := b.load(l); err != nil {
			return graph{}, err
		}
	}
	if err := b.input(n); err != nil {
		return graph{}, err
	}
	for _, l := range n.Layers {
		if err := b.layer(l); err != nil {
			return graph{}, err
		}
	}
	b.nameOutput()
	return b.graph, nil
}

// nameOutput makes the last result the output.
func (b *builder) nameOutput() {
	b.graph.nodes[len(b.graph.nodes)-1].output = outputName
	last := len(b.graph.between) - 1
	b.graph.output = b.graph.between[last]
	b.graph.output.name, b.graph.output.doc = outputName, "A value per class, before softmax"
	if b.options.Metadata[weights.MetaTask] == weights.TaskMultiLabel {
		b.graph.output.doc = "A value per class, before sigmoid: an image may have any number of the classes"
	}
	b.graph.between = b.graph.between[:last]
}

// node adds an operation whose result has the shape of one image, as float32, and returns the result's name, which is the
// node's own.
func (b *builder) node(operation, name string, shape []int64, inputs []string, attributes ...attribute) string {
	name = b.bare(operation, name, inputs, attributes...)
	b.graph.between = append(b.graph.between, value{name: name, element: float32Element, shape: shape})
	return name
}

// bare adds an operation whose result is not that of an image, or not float32.
func (b *builder) bare(operation, name string, inputs []string, attributes ...attribute) string {
	name = b.names.take(name)
	b.graph.nodes = append(b.graph.nodes, node{operation, name, inputs, name, attributes})
	return name
}

// constant adds an array that is no weight.
func (b *builder) constant(name string, values []float32, shape ...int64) string {
	name = b.names.take(name)
	b.graph.tensors = append(b.graph.tensors, tensor{name, float32Element, shape, values})
	return name
}

// layer adds the nodes of a layer.
func (b *builder) layer(l deploy.Layer) error {
	compute, ok := operations[l.Kind]
	if !ok {
		return unsupported(l, "layers of kind "+string(l.Kind))
	}
	inputs := make([]string, len(l.Inputs))
	for i, name := range l.Inputs {
		if inputs[i], ok = b.results[name]; !ok {
			return fmt.Errorf("onnx: layer %q reads %q, which no layer before it is named", l.Name, name)
		}
	}
	result := compute(b, l, inputs)
	if l.BatchNorm != nil {
		result = b.batchNorm(l, result)
	}
	switch l.Function() {
	case "":
	case models.ReLU:
		result = b.node("Relu", activationName(l), shapeOf(l.Output), []string{result})
	case models.ReLU6:
		if b.relu6 == nil {
			b.relu6 = []string{b.constant("relu6_min", []float32{0}), b.constant("relu6_max", []float32{6})}
		}
		result = b.node("Clip", activationName(l), shapeOf(l.Output), append([]string{result}, b.relu6...))
	default:
		return unsupported(l, "the activation function "+string(l.Function()))
	}
	b.results[l.Name] = result
	return nil
}
