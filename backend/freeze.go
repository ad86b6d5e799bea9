package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Frozen says which parts of a network training does not change. The parameters of a frozen layer have no
// gradients, and its batch norm computes as in evaluation: the running statistics normalize, and do not change.
// The zero value is a network without frozen parts.
type Frozen struct {
	Layers int  // the first layers of the graph, as many as this
	Norms  bool // the batch norms of all layers
}

// Freeze sets the frozen parts of the network, in place of those of an earlier call. Optimizers take
// [Network.Trainable].
func (n *Network) Freeze(s *autograd.Scope, f Frozen) {
	n.frozen = f
	for i := range n.layers {
		n.layers[i].frozenNorm = f.Norms || i < f.Layers
	}
	n.eachArray(func(i int, trainable bool) {
		if n.arrays[i].Role != "" {
			s.SetRequiresGrad(n.tensors[i], trainable)
		}
	})
}

// Frozen returns the frozen parts.
func (n *Network) Frozen() Frozen { return n.frozen }

// Trainable lists the parameters that are not frozen, in file order.
func (n *Network) Trainable() []Parameter {
	var list []Parameter
	n.eachArray(func(i int, trainable bool) {
		if a := n.arrays[i]; trainable {
			list = append(list, Parameter{Name: a.Name, Tensor: n.tensors[i], Role: a.Role})
		}
	})
	return list
}

// Statistics lists the running means and variances that training changes: those of batch norms that are not frozen.
func (n *Network) Statistics() []autograd.Named {
	var list []autograd.Named
	place := 0
	for i, l := range n.Graph.Layers {
		for _, a := range l.Arrays() {
			if a.Role == "" && !n.layers[i].frozenNorm {
				list = append(list, autograd.Named{Name: a.Name, Tensor: n.tensors[place]})
			}
			place++
		}
	}
	return list
}

// eachArray calls visit with the place of every array and whether training changes it by its gradient.
func (n *Network) eachArray(visit func(i int, trainable bool)) {
	place := 0
	for i, l := range n.Graph.Layers {
		for _, a := range l.Arrays() {
			visit(place, a.Role != "" && i >= n.frozen.Layers && !(n.frozen.Norms && a.Role == models.RoleNorm))
			place++
		}
	}
}

// normMode is the mode of the layer's batch norm in a pass.
func (l bound) normMode(mode autograd.Mode) autograd.Mode {
	if l.frozenNorm {
		return autograd.Evaluation
	}
	return mode
}

// normMode is the mode of the batch norms of layers that are not frozen themselves.
func (n *Network) normMode(mode autograd.Mode) autograd.Mode {
	if n.frozen.Norms {
		return autograd.Evaluation
	}
	return mode
}
