package oracle

import "fmt"

// block is the geometry of (N, C, H*W).
type block struct{ images, channels, positions int }

// ChannelSums are the sums of x (N, C, H, W) over images and positions, (C).
func (g *Graph) ChannelSums(x *Node) *Node {
	if !g.expect("channel sums", x, 4) {
		return nil
	}
	s := x.Shape()
	b := block{s[0], s[1], s[2] * s[3]}
	return primitive{
		name:  fmt.Sprintf("channel sums %v", b),
		dims:  []int{4},
		shape: []int{s[1]},
		value: func(out []float64, in ...[]float64) { b.sum(out, in[0]) },
		gradients: func(g *Graph, _ []*Node, gradient *Node) []*Node {
			return []*Node{g.Spread(gradient, s[0], s[2], s[3])}
		},
	}.apply(g, x)
}

// Spread broadcasts v (C) over images and positions, (N, C, H, W).
func (g *Graph) Spread(v *Node, images, height, width int) *Node {
	if !g.expect("spread", v, 1) {
		return nil
	}
	b := block{images, v.Shape()[0], height * width}
	return primitive{
		name:  fmt.Sprintf("spread %v", b),
		dims:  []int{1},
		shape: []int{images, b.channels, height, width},
		value: func(out []float64, in ...[]float64) { b.spread(out, in[0]) },
		gradients: func(g *Graph, _ []*Node, gradient *Node) []*Node {
			return []*Node{g.ChannelSums(gradient)}
		},
	}.apply(g, v)
}
