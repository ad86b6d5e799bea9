package models

// Role says what a trainable array does, so that recipes can leave some out of weight decay.
type Role string

// The roles of trainable arrays. Running statistics have none.
const (
	RoleConv      Role = "conv"      // filters of convolutions of more than one position and channel
	RoleDepthwise Role = "depthwise" // filters of depthwise convolutions
	RolePointwise Role = "pointwise" // 1x1 convolutions
	RoleNorm      Role = "norm"      // weight and bias of batch norms
	RoleHead      Role = "head"      // weight of linear layers
	RoleBias      Role = "bias"      // biases of convolutions and linear layers
)

// Array describes one array of a network: a parameter, or a running statistic if Role is empty.
type Array struct {
	Name  string
	Shape []int64
	Role  Role

	initial initializer
}

// Size is the number of values.
func (a Array) Size() int {
	n := 1
	for _, d := range a.Shape {
		n *= int(d)
	}
	return n
}

// Arrays lists what all layers own, in file order.
func (g *Graph) Arrays() []Array {
	var list []Array
	for _, l := range g.Layers {
		list = append(list, l.Arrays()...)
	}
	return list
}

// ArrayNames is the set of the names of all arrays.
func (g *Graph) ArrayNames() map[string]bool {
	names := map[string]bool{}
	for _, a := range g.Arrays() {
		names[a.Name] = true
	}
	return names
}

// Arrays lists what the layer owns: weight, bias, and the batch norm's weight, bias, running mean and
// running variance, which is timm's order.
func (l Layer) Arrays() []Array {
	var list []Array
	if shape := l.WeightShape(); shape != nil {
		list = append(list, Array{l.Name + ".weight", shape, l.role(), l.initialWeight()})
	}
	if l.Bias {
		list = append(list, Array{l.Name + ".bias", []int64{int64(l.Out)}, RoleBias, constant(0)})
	}
	if l.Norm != nil {
		channels := []int64{int64(l.Output.Channels)}
		list = append(list,
			Array{l.Norm.Name + ".weight", channels, RoleNorm, constant(1)},
			Array{l.Norm.Name + ".bias", channels, RoleNorm, constant(0)},
			Array{l.Norm.Name + ".running_mean", channels, "", constant(0)},
			Array{l.Norm.Name + ".running_var", channels, "", constant(1)})
	}
	return list
}

// role is that of the layer's weight.
func (l Layer) role() Role {
	switch {
	case l.Kind == KindLinear:
		return RoleHead
	case l.Depthwise():
		return RoleDepthwise
	case l.Pointwise():
		return RolePointwise
	}
	return RoleConv
}
