package oracle

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Conv holds the hyperparameters of a 2-d convolution. The zero value is stride 1, no padding, one
// group.
type Conv struct {
	Stride                   int // 0 means 1
	Top, Bottom, Left, Right int // zeros around the image
	Groups                   int // 0 means 1; the number of channels means depthwise
}

// Conv2d convolves x (N, C, H, W) with w (O, C/groups, K, K) and adds b (O), which may be nil. With
// one group it is gorgonia's own convolution (im2col and a matrix product), with more a
// [primitive].
func (g *Graph) Conv2d(x, w, b *Node, c Conv) *Node {
	if !g.expect("conv2d: images", x, 4) || !g.expect("conv2d: weight", w, 4) {
		return nil
	}
	c.Stride, c.Groups = max(c.Stride, 1), max(c.Groups, 1)
	var y *Node
	switch {
	case c.Groups > 1:
		y = g.grouped(g.Pad(x, c.Top, c.Bottom, c.Left, c.Right), w, c)
	case c.Top == c.Bottom && c.Left == c.Right:
		y = g.im2col(x, w, c.Top, c.Left, c.Stride)
	default: // gorgonia pads both ends of an axis equally
		y = g.im2col(g.Pad(x, c.Top, c.Bottom, c.Left, c.Right), w, 0, 0, c.Stride)
	}
	if b == nil || y == nil {
		return y
	}
	s := y.Shape()
	return g.Add(y, g.Spread(b, s[0], s[2], s[3]))
}

func (g *Graph) im2col(x, w *Node, rows, columns, stride int) *Node {
	return g.apply("conv2d", []*Node{x, w}, func() (*Node, error) {
		s := w.Shape()
		if s[1] != x.Shape()[1] {
			return nil, fmt.Errorf("images %v and weight %v differ in their number of input channels", x.Shape(), s)
		}
		return gorgonia.Conv2d(x, w, tensor.Shape{s[2], s[3]}, []int{rows, columns}, []int{stride, stride}, []int{1, 1})
	})
}

// window is the geometry of a grouped convolution without padding.
type window struct {
	images, ins, height, width int // of the input
	outs, rows, columns        int // of the output
	kh, kw, stride, groups     int
}

// grouped convolves each group of channels with its own filters.
func (g *Graph) grouped(x, w *Node, c Conv) *Node {
	if g.err != nil {
		return nil
	}
	xs, ws := x.Shape(), w.Shape()
	k := window{images: xs[0], ins: xs[1], height: xs[2], width: xs[3], outs: ws[0], kh: ws[2], kw: ws[3], stride: c.Stride, groups: c.Groups}
	if k.ins%k.groups != 0 || k.outs%k.groups != 0 || ws[1] != k.ins/k.groups || k.height < k.kh || k.width < k.kw {
		g.Fail(fmt.Errorf("oracle: grouped convolution: images %v and weight %v do not fit %d groups", xs, ws, k.groups))
		return nil
	}
	k.rows, k.columns = (k.height-k.kh)/k.stride+1, (k.width-k.kw)/k.stride+1
	return primitive{
		name:  fmt.Sprintf("grouped convolution %v", k),
		dims:  []int{4, 4},
		shape: []int{k.images, k.outs, k.rows, k.columns},
		value: func(out []float64, in ...[]float64) { k.forward(out, in[0], in[1]) },
		gradients: func(g *Graph, in []*Node, gradient *Node) []*Node {
			return []*Node{k.ofInput(g, gradient, in[1]), k.ofWeight(g, gradient, in[0])}
		},
	}.apply(g, x, w)
}

func (k window) ofInput(g *Graph, gradient, w *Node) *Node {
	return primitive{
		name:  fmt.Sprintf("input gradient of a grouped convolution %v", k),
		dims:  []int{4, 4},
		shape: []int{k.images, k.ins, k.height, k.width},
		value: func(out []float64, in ...[]float64) { k.inputGradient(out, in[0], in[1]) },
	}.apply(g, gradient, w)
}

func (k window) ofWeight(g *Graph, gradient, x *Node) *Node {
	return primitive{
		name:  fmt.Sprintf("weight gradient of a grouped convolution %v", k),
		dims:  []int{4, 4},
		shape: []int{k.outs, k.ins / k.groups, k.kh, k.kw},
		value: func(out []float64, in ...[]float64) { k.weightGradient(out, in[0], in[1]) },
	}.apply(g, gradient, x)
}

// Pad adds rows and columns of zeros around x (N, C, H, W).
func (g *Graph) Pad(x *Node, top, bottom, left, right int) *Node {
	if !g.expect("pad", x, 4) {
		return nil
	}
	s := x.Shape()
	f := frame{planes: s[0] * s[1], height: s[2], width: s[3], top: top, left: left, rows: s[2] + top + bottom, columns: s[3] + left + right}
	inner := []int{s[0], s[1], s[2], s[3]}
	return primitive{
		name:  fmt.Sprintf("pad %v", f),
		dims:  []int{4},
		shape: []int{s[0], s[1], f.rows, f.columns},
		value: func(out []float64, in ...[]float64) { f.pad(out, in[0]) },
		gradients: func(g *Graph, _ []*Node, gradient *Node) []*Node {
			return []*Node{primitive{
				name:  fmt.Sprintf("crop %v", f),
				dims:  []int{4},
				shape: inner,
				value: func(out []float64, in ...[]float64) { f.crop(out, in[0]) },
			}.apply(g, gradient)}
		},
	}.apply(g, x)
}
