package suite

import (
	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/models/mobilenet"
)

// Part is one step of a network: a convolution, a normalization, an activation, the pool, the head or the loss. Its
// case's first input is the part before, which stays empty until a check has computed it.
type Part struct {
	Layer string // of mobilenet's table: "blocks.0.0.conv_dw"; "loss"
	Case  Case
}

// Parts are the network's steps in the order of the forward pass. One after the other they compute what the whole
// network does; each by itself can be compared in a low precision too, on identical inputs.
func (n Network) Parts() ([]Part, error) {
	inputs, err := n.inputs()
	if err != nil {
		return nil, err
	}
	take := func(count int) []Input {
		list := append([]Input{{Name: "x", Activation: true}}, inputs[:count]...)
		inputs = inputs[count:]
		return list
	}
	var parts []Part
	for _, l := range n.Config.Layers() {
		switch {
		case l.Convolution():
			count := 1
			if l.Bias {
				count = 2
			}
			parts = append(parts,
				Part{l.Name, convolution(l.Name+", convolution", take(count), oracle.ConvOf(l))},
				Part{l.Name, normalization(l.Name+", "+l.Norm, take(4), n.Mode, n.Config.BNMomentum, n.Config.BNEps)},
				Part{l.Name, activation(l.Name+", activation", n.Config.Activation, take(0)[0])})
		case l.Kind == mobilenet.Pool:
			parts = append(parts, Part{l.Name, pool(l.Name, take(0))})
		default:
			parts = append(parts, Part{l.Name, linear(l.Name, take(2))})
		}
	}
	loss := crossEntropy("loss", take(0), n.Labels, n.Smoothing)
	return append(parts, Part{"loss", loss}), nil
}

// pool is the average over all positions.
func pool(name string, inputs []Input) Case {
	return Case{Name: name, Inputs: inputs, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.GlobalAvgPool(in[0]) },
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.GlobalAvgPool(in[0])}
		}}
}

// linear is the head, over x, weight and bias.
func linear(name string, inputs []Input) Case {
	return Case{Name: name, Inputs: inputs, FullPrecision: true,
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.Linear(in[0], in[1], in[2]) },
		Gorgonia: func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Linear(in[0], in[1], in[2])}
		}}
}
