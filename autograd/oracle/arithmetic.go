package oracle

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Add is x + y, both of the same shape.
func (g *Graph) Add(x, y *Node) *Node { return g.binary("add", gorgonia.Add, x, y) }

// Sub is x - y, both of the same shape.
func (g *Graph) Sub(x, y *Node) *Node { return g.binary("sub", gorgonia.Sub, x, y) }

// Mul is the element-wise product of x and y, both of the same shape.
func (g *Graph) Mul(x, y *Node) *Node { return g.binary("mul", gorgonia.HadamardProd, x, y) }

// Div is the element-wise quotient x / y, both of the same shape.
func (g *Graph) Div(x, y *Node) *Node { return g.binary("div", gorgonia.HadamardDiv, x, y) }

// Matmul is the matrix product of (M, K) and (K, N).
func (g *Graph) Matmul(x, y *Node) *Node { return g.binary("matmul", gorgonia.Mul, x, y) }

func (g *Graph) binary(what string, f func(a, b *Node) (*Node, error), x, y *Node) *Node {
	return g.apply(what, []*Node{x, y}, func() (*Node, error) { return f(x, y) })
}

// Square is x * x.
func (g *Graph) Square(x *Node) *Node { return g.unary("square", gorgonia.Square, x) }

// Sqrt is the square root of x.
func (g *Graph) Sqrt(x *Node) *Node { return g.unary("sqrt", gorgonia.Sqrt, x) }

// Exp is e to the power of x.
func (g *Graph) Exp(x *Node) *Node { return g.unary("exp", gorgonia.Exp, x) }

// Log is the natural logarithm of x.
func (g *Graph) Log(x *Node) *Node { return g.unary("log", gorgonia.Log, x) }

// ReLU is max(x, 0).
func (g *Graph) ReLU(x *Node) *Node { return g.unary("relu", gorgonia.Rectify, x) }

func (g *Graph) unary(what string, f func(*Node) (*Node, error), x *Node) *Node {
	return g.apply(what, []*Node{x}, func() (*Node, error) { return f(x) })
}

// Reshape is x with another shape and the same elements.
func (g *Graph) Reshape(x *Node, shape ...int) *Node {
	return g.apply("reshape", []*Node{x}, func() (*Node, error) { return gorgonia.Reshape(x, tensor.Shape(shape)) })
}

// Transpose is the transpose of a matrix.
func (g *Graph) Transpose(x *Node) *Node {
	return g.apply("transpose", []*Node{x}, func() (*Node, error) { return gorgonia.Transpose(x, 1, 0) })
}

// Affine is a*x + b with scalars a and b.
func (g *Graph) Affine(x *Node, a, b float64) *Node {
	if x == nil {
		return g.apply("affine", []*Node{x}, nil)
	}
	return primitive{
		name:  fmt.Sprintf("affine %v %v", a, b),
		dims:  []int{x.Dims()},
		shape: x.Shape(),
		value: func(out []float64, in ...[]float64) { affine(out, in[0], a, b) },
		gradients: func(g *Graph, _ []*Node, gradient *Node) []*Node {
			return []*Node{g.Affine(gradient, a, 0)}
		},
	}.apply(g, x)
}

// Clamp is min(max(x, low), high). At low and high themselves the gradient is zero, as in PyTorch's
// ReLU6.
func (g *Graph) Clamp(x *Node, low, high float64) *Node {
	if x == nil {
		return g.apply("clamp", []*Node{x}, nil)
	}
	dims, shape := x.Dims(), x.Shape()
	return primitive{
		name:  fmt.Sprintf("clamp %v %v", low, high),
		dims:  []int{dims},
		shape: shape,
		value: func(out []float64, in ...[]float64) { clamp(out, in[0], low, high) },
		gradients: func(g *Graph, in []*Node, gradient *Node) []*Node {
			return []*Node{primitive{
				name:  fmt.Sprintf("gradient of clamp %v %v", low, high),
				dims:  []int{dims, dims},
				shape: shape,
				value: func(out []float64, in ...[]float64) { clampGradient(out, in[0], in[1], low, high) },
			}.apply(g, in[0], gradient)}
		},
	}.apply(g, x)
}

// ReLU6 is min(max(x, 0), 6).
func (g *Graph) ReLU6(x *Node) *Node { return g.Clamp(x, 0, 6) }

// Rows repeats a vector (C) as each of n rows.
func (g *Graph) Rows(v *Node, n int) *Node {
	if !g.expect("rows", v, 1) {
		return nil
	}
	return g.Matmul(g.full(1, n, 1), g.Reshape(v, 1, v.Shape()[0]))
}

// RowSums are the sums of each row of a matrix, (N, 1).
func (g *Graph) RowSums(x *Node) *Node {
	if !g.expect("row sums", x, 2) {
		return nil
	}
	return g.Matmul(x, g.full(1, x.Shape()[1], 1))
}

// Sum is the sum of all elements, (1, 1).
func (g *Graph) Sum(x *Node) *Node {
	if x == nil {
		return g.apply("sum", []*Node{x}, nil)
	}
	return g.RowSums(g.Reshape(x, 1, x.Shape().TotalSize()))
}
