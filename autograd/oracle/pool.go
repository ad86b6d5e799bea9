package oracle

import "fmt"

// Pool holds the hyperparameters of a 2-d pooling over square windows.
type Pool struct {
	Kernel, Stride int
	Padding        int // on every side; at most Kernel/2
}

// MaxPool2d is the maximum of x (N, C, H, W) over each window, without the padding.
func (g *Graph) MaxPool2d(x *Node, p Pool) *Node {
	w, ok := g.poolWindow("max pool", x, p)
	if !ok {
		return nil
	}
	s := x.Shape()
	outer, inner := []int{s[0], s[1], w.rows, w.columns}, []int{s[0], s[1], s[2], s[3]}
	return primitive{
		name:  fmt.Sprintf("max pool %v", w),
		dims:  []int{4},
		shape: outer,
		value: func(out []float64, in ...[]float64) { w.maxima(out, in[0]) },
		gradients: func(g *Graph, in []*Node, gradient *Node) []*Node {
			return []*Node{primitive{
				name:  fmt.Sprintf("gradient of max pool %v", w),
				dims:  []int{4, 4},
				shape: inner,
				value: func(out []float64, in ...[]float64) { w.maximaGradient(out, in[0], in[1]) },
			}.apply(g, gradient, in[0])}
		},
	}.apply(g, x)
}

// AvgPool2d is the mean of x (N, C, H, W) over each window, in which padding counts as zeros: a
// depthwise convolution whose weights are all 1/kernel^2.
func (g *Graph) AvgPool2d(x *Node, p Pool) *Node {
	if _, ok := g.poolWindow("average pool", x, p); !ok {
		return nil
	}
	channels, area := x.Shape()[1], float64(p.Kernel*p.Kernel)
	weight := g.Constant(Full(1/area, int64(channels), 1, int64(p.Kernel), int64(p.Kernel)))
	return g.Conv2d(x, weight, nil, Conv{Stride: p.Stride, Groups: channels, Top: p.Padding, Bottom: p.Padding,
		Left: p.Padding, Right: p.Padding})
}

// poolWindow returns the geometry of pooling x, or false if the windows do not fit into it.
func (g *Graph) poolWindow(what string, x *Node, p Pool) (pooling, bool) {
	if !g.expect(what, x, 4) {
		return pooling{}, false
	}
	s := x.Shape()
	w := pooling{planes: s[0] * s[1], height: s[2], width: s[3], kernel: p.Kernel, stride: p.Stride, padding: p.Padding}
	if p.Kernel < 1 || p.Stride < 1 || p.Padding < 0 || 2*p.Padding > p.Kernel || w.height+2*p.Padding < p.Kernel || w.width+2*p.Padding < p.Kernel {
		g.Fail(fmt.Errorf("oracle: %s: %+v does not fit images %v; kernel and stride must be positive and padding at most half the kernel",
			what, p, s))
		return pooling{}, false
	}
	w.rows, w.columns = (s[2]+2*p.Padding-p.Kernel)/p.Stride+1, (s[3]+2*p.Padding-p.Kernel)/p.Stride+1
	return w, true
}
