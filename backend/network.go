package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/models"
)

// Network holds the tensors of a graph. It belongs to the scope that it was made in.
type Network struct {
	Graph *models.Graph

	// Times, if not nil, receives the times of the fused kernels' training passes; see [autograd.Backbone].
	Times *autograd.BackboneTimes

	arrays  []models.Array
	tensors []*autograd.Tensor // one for each array
	layers  []bound            // the graph's layers, over the same tensors
	uses    []int              // how many layers read each layer's output
	frozen  Frozen
	hooks   []*ForwardHook
	sync    *autograd.NormSync // of batch norms; nil: one process
	fused   autograd.Backbone  // for images of the last size, without Times; see backbone

	trainingPasses int // by layers; libtorch's batch norm changes running statistics without a new version
}

// Parameter is a trainable array of a network.
type Parameter struct {
	Name   string
	Tensor *autograd.Tensor
	Role   models.Role
}

// New makes a network with initial values that are a function of the graph and the seed, in float32 on the
// CPU. libtorch's errors stick to the scope.
func New(s *autograd.Scope, g *models.Graph, seed uint64) *Network {
	n := &Network{Graph: g, arrays: g.Arrays()}
	n.tensors = make([]*autograd.Tensor, len(n.arrays))
	n.replace(s, func(_ int, a models.Array) *autograd.Tensor {
		return autograd.FromSlice(s, a.Initial(seed), a.Shape...)
	})
	return n
}

// To moves the network to a device.
func (n *Network) To(s *autograd.Scope, device autograd.Device) {
	n.replace(s, func(i int, _ models.Array) *autograd.Tensor { return s.ToDevice(s.Detach(n.tensors[i]), device) })
}

// ToDType converts the network, to float64 for tests. Gradients are dropped.
func (n *Network) ToDType(s *autograd.Scope, dtype autograd.DType) {
	n.replace(s, func(i int, _ models.Array) *autograd.Tensor { return s.To(s.Detach(n.tensors[i]), dtype) })
}

// Device is where the network's tensors are.
func (n *Network) Device() autograd.Device { return n.tensors[0].Device() }

// DType is the type of the network's tensors.
func (n *Network) DType() autograd.DType { return n.tensors[0].DType() }

// replace sets a new tensor for every array: convolution weights channels-last as all activations are,
// trainable ones as leaves of the graph of gradients.
func (n *Network) replace(s *autograd.Scope, tensor func(int, models.Array) *autograd.Tensor) {
	for i, a := range n.arrays {
		t := tensor(i, a)
		if len(a.Shape) == 4 {
			t = s.ChannelsLast(t)
		}
		n.tensors[i] = t
	}
	n.bind()
	n.Freeze(s, n.frozen)
}

// bound is a layer with its tensors.
type bound struct {
	models.Layer
	inputs       []int            // places of the layers that it reads; -1 is the image
	weight, bias *autograd.Tensor // nil where the layer has none
	norm         autograd.BatchNorm
	frozenNorm   bool // batch norm computes as in evaluation
}

// bind gives each layer its tensors, which are in the order of [models.Layer.Arrays].
func (n *Network) bind() {
	rest := n.tensors
	next := func() *autograd.Tensor {
		t := rest[0]
		rest = rest[1:]
		return t
	}
	places := map[string]int{models.InputName: -1}
	n.layers, n.uses = nil, make([]int, len(n.Graph.Layers))
	for i, l := range n.Graph.Layers {
		b := bound{Layer: l}
		for _, name := range l.Inputs {
			b.inputs = append(b.inputs, places[name])
			if places[name] >= 0 {
				n.uses[places[name]]++
			}
		}
		places[l.Name] = i
		if l.WeightShape() != nil {
			b.weight = next()
		}
		if l.Bias {
			b.bias = next()
		}
		if l.Norm != nil {
			b.norm = autograd.BatchNorm{Weight: next(), Bias: next(), Mean: next(), Var: next(), Momentum: l.Norm.Momentum, Eps: l.Norm.Eps, Sync: n.sync}
		}
		n.layers = append(n.layers, b)
	}
}

// Parameters lists the trainable arrays in file order.
func (n *Network) Parameters() []Parameter {
	var list []Parameter
	for i, a := range n.arrays {
		if a.Role != "" {
			list = append(list, Parameter{Name: a.Name, Tensor: n.tensors[i], Role: a.Role})
		}
	}
	return list
}

// Buffers lists the running means and variances in file order.
func (n *Network) Buffers() []autograd.Named {
	var list []autograd.Named
	for i, a := range n.arrays {
		if a.Role == "" {
			list = append(list, autograd.Named{Name: a.Name, Tensor: n.tensors[i]})
		}
	}
	return list
}

// State lists parameters and buffers in file order.
func (n *Network) State() []autograd.Named {
	list := make([]autograd.Named, len(n.arrays))
	for i, a := range n.arrays {
		list[i] = autograd.Named{Name: a.Name, Tensor: n.tensors[i]}
	}
	return list
}

// Forward computes the logits by the torch backend, see [Backend].
func (n *Network) Forward(s *autograd.Scope, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	return Torch{}.Forward(s, n, x, mode)
}

// String names the network for logs.
func (n *Network) String() string { return n.Graph.String() }
