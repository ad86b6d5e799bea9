package mobilenet

import "depthwise.dev/autograd"

// Role says what a trainable array does in the network, so that recipes can
// leave some out of weight decay.
type Role string

// The roles of trainable arrays.
const (
	RoleConv      Role = "conv"      // filters of the first convolution
	RoleDepthwise Role = "depthwise" // filters of the depthwise convolutions
	RolePointwise Role = "pointwise" // 1x1 convolutions
	RoleNorm      Role = "norm"      // weight and bias of batch normalizations
	RoleHead      Role = "head"      // weight of the classifier
	RoleBias      Role = "bias"      // biases of convolutions and classifier
)

// Parameter is a trainable array of a network.
type Parameter struct {
	Name   string
	Tensor *autograd.Tensor
	Role   Role
}

// array describes one array of the network: a parameter, or a running statistic
// when its role is empty.
type array struct {
	name    string
	shape   []int64
	role    Role
	initial initializer
}

// arrays lists what the layer owns, in timm's order.
func (l Layer) arrays() []array {
	var list []array
	perChannel := []int64{int64(l.Out)}
	if shape := l.WeightShape(); shape != nil {
		list = append(list, array{l.Name + ".weight", shape, l.role(), l.initialWeight()})
	}
	if l.Bias {
		list = append(list, array{l.Name + ".bias", perChannel, RoleBias, constant(0)})
	}
	if l.Norm != "" {
		list = append(list,
			array{l.Norm + ".weight", perChannel, RoleNorm, constant(1)},
			array{l.Norm + ".bias", perChannel, RoleNorm, constant(0)},
			array{l.Norm + ".running_mean", perChannel, "", constant(0)},
			array{l.Norm + ".running_var", perChannel, "", constant(1)})
	}
	return list
}

// role is that of the layer's weight.
func (l Layer) role() Role {
	switch l.Kind {
	case Conv:
		return RoleConv
	case Depthwise:
		return RoleDepthwise
	case Pointwise:
		return RolePointwise
	default:
		return RoleHead
	}
}

// size is the number of values in an array of the shape.
func size(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}
