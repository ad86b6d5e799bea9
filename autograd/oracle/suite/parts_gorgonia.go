package suite

import (
	"fmt"

	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models"
)

// This file holds what the suite itself adds to package oracle to compute a network. TestMutants
// plants errors in it.

// convOf returns the convolution of a layer at the graph's input size.
func convOf(l models.Layer) oracle.Conv {
	rows, columns := l.Pads(l.In.Height, l.In.Width)
	return oracle.Conv{Stride: l.Stride, Groups: l.Groups, Top: rows.Before, Bottom: rows.After, Left: columns.Before, Right: columns.After}
}

func sumNode(g *oracle.Graph, in []*oracle.Node) *oracle.Node { return g.Add(in[0], in[1]) }

// maxPoolNode pads with zeros where the four sides differ, as package backend does.
func maxPoolNode(g *oracle.Graph, x *oracle.Node, l models.Layer) *oracle.Node {
	c, p := convOf(l), oracle.Pool{Kernel: l.Kernel, Stride: l.Stride}
	if symmetric(c) {
		p.Padding = c.Top
	} else {
		x = g.Pad(x, c.Top, c.Bottom, c.Left, c.Right)
	}
	return g.MaxPool2d(x, p)
}

func flattenNode(g *oracle.Graph, x *oracle.Node, l models.Layer) *oracle.Node {
	if x == nil {
		return nil // the graph has an error
	}
	return g.Reshape(x, x.Shape()[0], l.Output.Channels)
}

func activationNode(g *oracle.Graph, x *oracle.Node, f models.Function) *oracle.Node {
	if f == models.ReLU6 {
		return g.ReLU6(x)
	}
	return g.ReLU(x)
}

// networkNodes adds a whole network to a graph. It returns the nodes of the images, of each part's
// output, and of the new running statistics in file order.
func networkNodes(g *oracle.Graph, images oracle.Array, parts []Part) (outputs, running []*oracle.Node, err error) {
	outputs = []*oracle.Node{g.Input(images)}
	for _, p := range parts {
		var in []*oracle.Node
		for _, place := range p.Reads {
			in = append(in, outputs[place+1])
		}
		in = append(in, leaves(g, p.Case.Inputs[len(p.Reads):])...)
		nodes, err := build(p.Case, g, in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.Case.Name, err)
		}
		outputs, running = append(outputs, nodes[0]), append(running, nodes[1:]...)
	}
	return outputs, running, nil
}
