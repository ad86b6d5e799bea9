package suite

import (
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle"
)

// Short names for the tables.
type (
	scope  = *autograd.Scope
	tensor = *autograd.Tensor
	graph  = *oracle.Graph
	node   = *oracle.Node
)

// Operations returns the cases of autograd's operations, with inputs of about the given magnitude.
// Random values are not near kinks.
func Operations(scale float64) []Case {
	list := append(arithmetic(scale), matrices(scale)...)
	return slices.Concat(list, functions(), selections(scale), pools(scale), activations(), extensions(scale))
}

// drawn is an activation with uniform values in [-scale, scale).
func drawn(scale float64, name string, shape ...int64) Input {
	return Input{Name: name, Array: Draw(name, -scale, scale, shape...), Activation: true}
}

// one is the Gorgonia of a case without running statistics.
func one(f func(graph, []node) node) func(graph, []node) []node {
	return func(g graph, in []node) []node { return []node{f(g, in)} }
}

// arithmetic holds element-wise operations and sums.
func arithmetic(scale float64) []Case {
	x, y, row := drawn(scale, "x", 3, 4), drawn(scale, "y", 3, 4), drawn(scale, "row", 4)
	positive := Input{Name: "divisor", Array: Draw("divisor", 0.5*scale, 2*scale, 3, 4), Activation: true}
	return []Case{
		{Name: "add", Inputs: []Input{x, y},
			Torch:    func(s scope, in []tensor) tensor { return s.Add(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Add(in[0], in[1]) })},
		{Name: "add a row", Inputs: []Input{x, row},
			Torch:    func(s scope, in []tensor) tensor { return s.Add(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Add(in[0], g.Rows(in[1], 3)) })},
		{Name: "subtract", Inputs: []Input{x, y},
			Torch:    func(s scope, in []tensor) tensor { return s.Subtract(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Sub(in[0], in[1]) })},
		{Name: "multiply", Inputs: []Input{x, y},
			Torch:    func(s scope, in []tensor) tensor { return s.Mul(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Mul(in[0], in[1]) })},
		{Name: "divide", Inputs: []Input{x, positive},
			Torch:    func(s scope, in []tensor) tensor { return s.Div(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Div(in[0], in[1]) })},
		{Name: "scale", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Scale(in[0], -2.5) },
			Gorgonia: one(func(g graph, in []node) node { return g.Affine(in[0], -2.5, 0) })},
		{Name: "add a number", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.AddScalar(in[0], 3) },
			Gorgonia: one(func(g graph, in []node) node { return g.Affine(in[0], 1, 3) })},
		{Name: "square", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Square(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Square(in[0]) })},
		{Name: "sum", Inputs: []Input{x}, FullPrecision: true,
			Torch:    func(s scope, in []tensor) tensor { return s.Reshape(s.Sum(in[0]), 1, 1) },
			Gorgonia: one(func(g graph, in []node) node { return g.Sum(in[0]) })},
		{Name: "mean", Inputs: []Input{x}, FullPrecision: true,
			Torch:    func(s scope, in []tensor) tensor { return s.Reshape(s.Mean(in[0]), 1, 1) },
			Gorgonia: one(func(g graph, in []node) node { return g.Affine(g.Sum(in[0]), 1./12, 0) })},
	}
}

// functions are smooth; their inputs do not depend on the scale.
func functions() []Case {
	x := Input{Name: "x", Array: Draw("argument", -3, 3, 3, 4), Activation: true}
	positive := Input{Name: "x", Array: Draw("positive argument", 0.2, 5, 3, 4), Activation: true}
	ones := oracle.Full(1, 3, 4)
	sigmoid := func(g graph, x node) node { return g.Div(g.Constant(ones), g.Affine(g.Exp(g.Affine(x, -1, 0)), 1, 1)) }
	return []Case{
		{Name: "exp", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Exp(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Exp(in[0]) })},
		{Name: "log", Inputs: []Input{positive},
			Torch:    func(s scope, in []tensor) tensor { return s.Log(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Log(in[0]) })},
		{Name: "sigmoid", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Sigmoid(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return sigmoid(g, in[0]) })},
		{Name: "tanh", Inputs: []Input{x}, // 2*sigmoid(2x) - 1
			Torch:    func(s scope, in []tensor) tensor { return s.Tanh(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Affine(sigmoid(g, g.Affine(in[0], 2, 0)), 2, -1) })},
	}
}

// selections are products with matrices of zeros and ones, and a maximum over the one window of a plane.
func selections(scale float64) []Case {
	x, y := drawn(scale, "x", 3, 4), drawn(scale, "y", 2, 4)
	distinct := Input{Name: "x", Array: Distinct("rows", -scale, scale, 3, 4), Activation: true}
	return []Case{
		{Name: "cat", Inputs: []Input{x, y},
			Torch: func(s scope, in []tensor) tensor { return s.Cat(0, in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node {
				return g.Add(g.Matmul(g.Constant(shifted(5, 3, 0)), in[0]), g.Matmul(g.Constant(shifted(5, 2, 3)), in[1]))
			})},
		{Name: "slice", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Slice(in[0], 1, 1, 3) },
			Gorgonia: one(func(g graph, in []node) node { return g.Matmul(in[0], g.Constant(shifted(4, 2, 1))) })},
		{Name: "max", Inputs: []Input{distinct},
			Torch: func(s scope, in []tensor) tensor { return s.Max(in[0], -1) },
			Gorgonia: one(func(g graph, in []node) node {
				return g.Reshape(g.MaxPool2d(g.Reshape(in[0], 3, 1, 2, 2), oracle.Pool{Kernel: 2, Stride: 2}), 3)
			})},
	}
}

// shifted is a matrix with ones at (i+by, i).
func shifted(rows, columns, by int64) oracle.Array {
	a := oracle.Full(0, rows, columns)
	for i := range columns {
		a.Data[(i+by)*columns+i] = 1
	}
	return a
}

// matrices holds products, and operations on rows, channels or positions.
func matrices(scale float64) []Case {
	x, image := drawn(scale, "x", 3, 4), drawn(scale, "image", 2, 3, 4, 4)
	weight, bias := drawn(scale, "weight", 2, 4), drawn(scale, "bias", 2)
	weight.Activation, bias.Activation = false, false
	return []Case{
		{Name: "matrix product", Inputs: []Input{x, drawn(scale, "z", 4, 2)},
			Torch:    func(s scope, in []tensor) tensor { return s.Matmul(in[0], in[1]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Matmul(in[0], in[1]) })},
		{Name: "reshape", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.Reshape(in[0], 2, 6) },
			Gorgonia: one(func(g graph, in []node) node { return g.Reshape(in[0], 2, 6) })},
		{Name: "softmax", Inputs: []Input{x}, FullPrecision: true,
			Torch:    func(s scope, in []tensor) tensor { return s.Softmax(in[0], 1) },
			Gorgonia: one(func(g graph, in []node) node { return g.Exp(g.LogSoftmax(in[0])) })},
		{Name: "log softmax", Inputs: []Input{x}, FullPrecision: true,
			Torch:    func(s scope, in []tensor) tensor { return s.LogSoftmax(in[0], 1) },
			Gorgonia: one(func(g graph, in []node) node { return g.LogSoftmax(in[0]) })},
		{Name: "linear", Inputs: []Input{x, weight, bias},
			Torch:    func(s scope, in []tensor) tensor { return s.Linear(in[0], in[1], in[2]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Linear(in[0], in[1], in[2]) })},
		{Name: "linear without bias", Inputs: []Input{x, weight},
			Torch:    func(s scope, in []tensor) tensor { return s.Linear(in[0], in[1], nil) },
			Gorgonia: one(func(g graph, in []node) node { return g.Linear(in[0], in[1], nil) })},
		{Name: "fused linear", Inputs: []Input{x, weight, bias}, FullPrecision: true,
			Torch:    func(s scope, in []tensor) tensor { return s.FusedLinear(in[0], in[1], in[2]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Linear(in[0], in[1], in[2]) })},
		{Name: "global average pool", Inputs: []Input{image},
			Torch:    func(s scope, in []tensor) tensor { return s.GlobalAvgPool(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.GlobalAvgPool(in[0]) })},
		{Name: "pad", Inputs: []Input{image},
			Torch:    func(s scope, in []tensor) tensor { return s.Pad2d(in[0], 0, 1, 2, 3) },
			Gorgonia: one(func(g graph, in []node) node { return g.Pad(in[0], 2, 3, 0, 1) })},
		{Name: "pad with a value", Inputs: []Input{image},
			Torch: func(s scope, in []tensor) tensor {
				return s.PadValue2d(in[0], autograd.Sides{Left: 1, Right: 2, Top: 3, Bottom: 0}, -2)
			},
			Gorgonia: one(func(g graph, in []node) node {
				return g.Affine(g.Pad(g.Affine(in[0], 1, 2), 3, 0, 1, 2), 1, -2)
			})},
		{Name: "channels last", Inputs: []Input{image},
			Torch:    func(s scope, in []tensor) tensor { return s.ChannelsLast(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.Affine(in[0], 1, 0) })},
		{Name: "dropout", Inputs: []Input{x}, // random: compared with differences, with the same seed
			Torch: func(s scope, in []tensor) tensor { autograd.Seed(s, 3); return s.Dropout(in[0], 0.4) }},
	}
}

// pools are maxima and means over windows that overlap, are adjacent, leave a remainder, or include
// padding.
func pools(scale float64) []Case {
	x := Input{Name: "x", Array: Distinct("pooled", -scale, scale, 2, 3, 7, 5), Activation: true}
	plane := Input{Name: "x", Array: Distinct("pooled plane", -scale, scale, 2, 1, 5, 5), Activation: true}
	list := []Case{{Name: "max pool of one channel", Inputs: []Input{plane},
		Torch:    func(s scope, in []tensor) tensor { return s.MaxPool2d(in[0], autograd.Pool{Kernel: 3, Stride: 1}) },
		Gorgonia: one(func(g graph, in []node) node { return g.MaxPool2d(in[0], oracle.Pool{Kernel: 3, Stride: 1}) })}}
	for _, p := range []struct {
		name  string
		torch autograd.Pool
		pool  oracle.Pool
	}{
		{"2x2", autograd.Pool{Kernel: 2}, oracle.Pool{Kernel: 2, Stride: 2}},
		{"overlapping, padded", autograd.Pool{Kernel: 3, Stride: 2, Padding: 1}, oracle.Pool{Kernel: 3, Stride: 2, Padding: 1}},
		{"with gaps", autograd.Pool{Kernel: 2, Stride: 3}, oracle.Pool{Kernel: 2, Stride: 3}},
	} {
		list = append(list,
			Case{Name: "max pool " + p.name, Inputs: []Input{x},
				Torch:    func(s scope, in []tensor) tensor { return s.MaxPool2d(in[0], p.torch) },
				Gorgonia: one(func(g graph, in []node) node { return g.MaxPool2d(in[0], p.pool) })},
			Case{Name: "average pool " + p.name, Inputs: []Input{x},
				Torch:    func(s scope, in []tensor) tensor { return s.AvgPool2d(in[0], p.torch) },
				Gorgonia: one(func(g graph, in []node) node { return g.AvgPool2d(in[0], p.pool) })})
	}
	return list
}

// activations have kinks at fixed values, so their inputs do not depend on the scale.
func activations() []Case {
	x := Input{Name: "x", Array: Away(Draw("bent", -10, 10, 5, 4), 0.1, 0, 6), Activation: true}
	return []Case{
		{Name: "relu", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.ReLU(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.ReLU(in[0]) })},
		{Name: "relu in place", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.ReLUInPlace(s.Scale(in[0], 1)) },
			Gorgonia: one(func(g graph, in []node) node { return g.ReLU(in[0]) })},
		{Name: "relu6", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.ReLU6(in[0]) },
			Gorgonia: one(func(g graph, in []node) node { return g.ReLU6(in[0]) })},
		{Name: "relu6 in place", Inputs: []Input{x},
			Torch:    func(s scope, in []tensor) tensor { return s.ReLU6InPlace(s.Scale(in[0], 1)) },
			Gorgonia: one(func(g graph, in []node) node { return g.ReLU6(in[0]) })},
	}
}
