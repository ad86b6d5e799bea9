package oracle

import (
	"math"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
)

// Package suite compares the operations with libtorch; these tests compare them with values
// computed by hand and with gorgonia itself.

func array(shape []int64, data ...float64) Array { return Array{Shape: shape, Data: data} }

func TestWorkedValues(t *testing.T) {
	for _, tc := range []struct {
		name      string
		build     func(g *Graph) *Node // of one Input
		cotangent []float64
		value     []float64
		gradient  []float64
	}{
		{"clamp", func(g *Graph) *Node { return g.Clamp(g.Input(array([]int64{5}, -1, 0, 3, 6, 7)), 0, 6) },
			[]float64{1, 1, 2, 1, 1}, []float64{0, 0, 3, 6, 6}, []float64{0, 0, 2, 0, 0}},
		{"affine", func(g *Graph) *Node { return g.Affine(g.Input(array([]int64{2}, 1, 2)), -3, 1) },
			[]float64{1, 10}, []float64{-2, -5}, []float64{-3, -30}},
		{"used twice", func(g *Graph) *Node { x := g.Input(array([]int64{2}, 3, 4)); return g.Mul(x, x) },
			[]float64{1, 1}, []float64{9, 16}, []float64{6, 8}},
		{"depthwise, one position", func(g *Graph) *Node {
			w := g.Constant(array([]int64{2, 1, 1, 2}, 1, 2, 3, 4))
			return g.Conv2d(g.Input(array([]int64{1, 2, 1, 2}, 5, 6, 7, 8)), w, nil, Conv{Groups: 2})
		}, []float64{1, 10}, []float64{17, 53}, []float64{1, 2, 30, 40}},
		{"padding after", func(g *Graph) *Node { return g.Pad(g.Input(array([]int64{1, 1, 1, 2}, 1, 2)), 0, 1, 0, 1) },
			[]float64{1, 2, 3, 4, 5, 6}, []float64{1, 2, 0, 0, 0, 0}, []float64{1, 2}},
		{"channel sums", func(g *Graph) *Node { return g.ChannelSums(g.Input(array([]int64{2, 2, 1, 1}, 1, 2, 3, 4))) },
			[]float64{1, 10}, []float64{4, 6}, []float64{1, 10, 1, 10}},
		{"max pool", func(g *Graph) *Node {
			return g.MaxPool2d(g.Input(array([]int64{1, 1, 2, 3}, -1, -2, -3, -4, -6, -5)), Pool{Kernel: 2, Stride: 1, Padding: 1})
		}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, []float64{-1, -1, -2, -3, -1, -1, -2, -3, -4, -4, -5, -5},
			[]float64{1 + 2 + 5 + 6, 3 + 7, 4 + 8, 9 + 10, 0, 11 + 12}},
		{"average pool", func(g *Graph) *Node {
			return g.AvgPool2d(g.Input(array([]int64{1, 1, 2, 2}, 1, 2, 3, 6)), Pool{Kernel: 2, Stride: 2, Padding: 1})
		}, []float64{4, 8, 12, 16}, []float64{0.25, 0.5, 0.75, 1.5}, []float64{1, 2, 3, 4}},
		{"cross entropy", func(g *Graph) *Node {
			return g.CrossEntropy(g.Input(array([]int64{1, 2}, 0, math.Log(3))), OneHot([]int64{0}, 2), 0)
		}, []float64{1}, []float64{math.Log(4)}, []float64{-0.75, 0.75}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewGraph()
			r, err := g.Compute([]*Node{tc.build(g)}, tc.cotangent)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "value", r.Outputs[0].Data, tc.value)
			same(t, "gradient", r.Gradients[0].Data, tc.gradient)
		})
	}
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s %v, want %v", what, got, want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= 1e-14*(1+math.Abs(want[i]))) {
			t.Errorf("%s %v, want %v", what, got, want)
			return
		}
	}
}

// TestTapeMachineAgrees compares Compute with gorgonia's own machine on the differentiated graph.
func TestTapeMachineAgrees(t *testing.T) {
	g := NewGraph()
	x, w := g.Input(Full(0.5, 2, 3, 4, 4)), g.Input(Full(-0.25, 3, 1, 3, 3))
	for i := range 2 * 3 * 4 * 4 {
		x.Value().Data().([]float64)[i] = float64(i%7) - 3
	}
	ones := func(v float64) *Node { return g.Constant(Full(v, 3)) }
	bn := BatchNorm{Weight: ones(2), Bias: ones(1), Mean: ones(0), Var: ones(1), Momentum: 0.1, Eps: 1e-3}
	y, _, _ := bn.Train(g, g.Conv2d(x, w, nil, Conv{Stride: 2, Groups: 3, Top: 1, Bottom: 1, Left: 1, Right: 1}))
	out := g.GlobalAvgPool(g.ReLU6(y))
	r, err := g.Compute([]*Node{out}, []float64{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	machine := gorgonia.NewTapeMachine(g.g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		t.Fatal(err)
	}
	values, err := arrayOf(out.Value())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "value", values.Data, r.Outputs[0].Data)
	for i, n := range g.inputs {
		gradient, err := arrayOf(n.Deriv().Value())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "gradient", gradient.Data, r.Gradients[i].Data)
	}
}

// TestEpsIsNotConfused: two batch normalizations that differ only in eps are two operations;
// gorgonia's own are one.
func TestEpsIsNotConfused(t *testing.T) {
	g := NewGraph()
	x := g.Input(array([]int64{2, 1, 1, 1}, 0, 0.01))
	ones := g.Constant(Full(1, 1))
	var out []*Node
	for _, eps := range []float64{1e-5, 1e-3} {
		y, _, _ := BatchNorm{Weight: ones, Bias: ones, Mean: ones, Var: ones, Eps: eps}.Train(g, x)
		out = append(out, y)
	}
	r, err := g.Compute(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, eps := range []float64{1e-5, 1e-3} {
		d := 0.005 / math.Sqrt(0.005*0.005+eps)
		same(t, "output", r.Outputs[i].Data, []float64{1 - d, 1 + d})
	}
}

// TestErrors: every wrong use is an error that says where, not a panic.
func TestErrors(t *testing.T) {
	image := Full(1, 1, 2, 3, 3)
	for _, tc := range []struct {
		name, want string
		build      func(g *Graph) *Node
	}{
		{"no node", "matmul: input 1 is nil", func(g *Graph) *Node { return g.Matmul(g.Input(Full(1, 2, 2)), nil) }},
		{"no node, unary operation", "affine: input 0 is nil", func(g *Graph) *Node { return g.Affine(nil, 1, 2) }},
		{"values that do not fill the shape", "does not fit 3 values", func(g *Graph) *Node { return g.Input(array([]int64{2, 2}, 1, 2, 3)) }},
		{"shapes", "add", func(g *Graph) *Node { return g.Add(g.Input(Full(1, 2)), g.Input(Full(1, 3))) }},
		{"dimensions", "want 4 dimensions", func(g *Graph) *Node { return g.ChannelSums(g.Input(Full(1, 2))) }},
		{"channels", "differ in their number of input channels", func(g *Graph) *Node {
			return g.Conv2d(g.Input(image), g.Input(Full(1, 4, 3, 1, 1)), nil, Conv{})
		}},
		{"groups", "do not fit 2 groups", func(g *Graph) *Node {
			return g.Conv2d(g.Input(image), g.Input(Full(1, 3, 1, 1, 1)), nil, Conv{Groups: 2})
		}},
		{"one value per channel", "no variance", func(g *Graph) *Node {
			y, _, _ := BatchNorm{}.Train(g, g.Input(Full(1, 1, 2, 1, 1)))
			return y
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := NewGraph()
			_, err := g.Compute([]*Node{tc.build(g)}, []float64{1})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestUnusedInput: the gradient of an input on which the output does not depend is zero.
func TestUnusedInput(t *testing.T) {
	g := NewGraph()
	x, _ := g.Input(Full(2, 3)), g.Input(Full(5, 2))
	r, err := g.Compute([]*Node{g.Square(x)}, []float64{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "gradient of x", r.Gradients[0].Data, []float64{4, 4, 4})
	same(t, "gradient of the other", r.Gradients[1].Data, []float64{0, 0})
}
