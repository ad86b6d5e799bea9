package oracle

import (
	"fmt"

	"depthwise.dev/models/mobilenet"
)

// A Network is a MobileNet whose arrays are nodes of a graph, under the names of the libtorch network.
type Network struct {
	Config mobilenet.Config // its dropout is not applied
	State  map[string]*Node // parameters and running statistics
}

// node is the array of a name.
func (n Network) node(g *Graph, name string) *Node {
	v := n.State[name]
	if v == nil {
		g.Fail(fmt.Errorf("oracle: network: no array is named %s", name))
	}
	return v
}

// Forward computes the logits (N, classes) of images x (N, 3, R, R) of the configured resolution. In training batch
// normalization uses the batch's statistics, and moved holds the running ones afterwards, by name.
func (n Network) Forward(g *Graph, x *Node, training bool) (logits *Node, moved map[string]*Node) {
	moved = map[string]*Node{}
	for _, l := range n.Config.Layers() {
		switch {
		case l.Convolution():
			x = n.unit(g, l, x, training, moved)
		case l.Kind == mobilenet.Pool:
			x = g.GlobalAvgPool(x)
		default:
			x = g.Linear(x, n.node(g, l.Name+".weight"), n.node(g, l.Name+".bias"))
		}
	}
	return x, moved
}

// unit is a convolution, its normalization and the activation.
func (n Network) unit(g *Graph, l mobilenet.Layer, x *Node, training bool, moved map[string]*Node) *Node {
	var bias *Node
	if l.Bias {
		bias = n.node(g, l.Name+".bias")
	}
	y := g.Conv2d(x, n.node(g, l.Name+".weight"), bias, ConvOf(l))
	mean, variance := l.Norm+".running_mean", l.Norm+".running_var"
	bn := BatchNorm{Weight: n.node(g, l.Norm+".weight"), Bias: n.node(g, l.Norm+".bias"), Mean: n.node(g, mean), Var: n.node(g, variance),
		Momentum: n.Config.BNMomentum, Eps: n.Config.BNEps}
	if training {
		y, moved[mean], moved[variance] = bn.Train(g, y)
	} else {
		y = bn.Evaluate(g, y)
	}
	return g.Activation(y, n.Config.Activation)
}

// Activation applies the one that a configuration names.
func (g *Graph) Activation(x *Node, name string) *Node {
	if name == mobilenet.ReLU6 {
		return g.ReLU6(x)
	}
	return g.ReLU(x)
}

// ConvOf is the convolution of a layer at its configured resolution.
func ConvOf(l mobilenet.Layer) Conv {
	return Conv{Stride: l.Stride, Groups: l.Groups, Top: l.Pad.Before, Bottom: l.Pad.After, Left: l.Pad.Before, Right: l.Pad.After}
}
