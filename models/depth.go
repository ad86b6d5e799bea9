package models

import (
	"fmt"
	"strings"
)

// HeadLayers is the number of layers at the end of the graph that turn features into logits: the last linear
// layer, with dropout and flatten before it. The features are what the first of them reads. 0: the graph ends
// in another layer, so it has no features.
func (g *Graph) HeadLayers() int {
	n := len(g.Layers)
	if g.Layers[n-1].Kind != KindLinear {
		return 0
	}
	head := 1
	for head < n {
		l := g.Layers[n-1-head]
		if l.Kind != KindDropout && l.Kind != KindFlatten {
			break
		}
		head++
	}
	if head == n || g.Layers[n-head].Inputs[0] != g.Layers[n-head-1].Name {
		return 0
	}
	return head
}

// FeatureValues is the number of features of an image: the values that the first layer of the head reads. It returns an
// error if the graph has no head.
func (g *Graph) FeatureValues() (int, error) {
	head := g.HeadLayers()
	if head == 0 {
		return 0, fmt.Errorf("%v has no features: its last layer is not a linear layer behind others", g)
	}
	return int(g.Layers[len(g.Layers)-head].In.Values()), nil
}

// Depths returns the depth of every layer, and the number of blocks: 0 for the layers before the first block
// (the stem), 1 to blocks for those of a block, blocks+1 for those behind (the head). A block is the layers whose
// names begin with the same "blocks.STAGE.INDEX", timm's names. A graph without such names has 0 blocks: the
// depths of its layers are 0, and 1 for the head.
func (g *Graph) Depths() (depths []int, blocks int) {
	depths = make([]int, len(g.Layers))
	last := ""
	for i, l := range g.Layers {
		prefix := blockOf(l.Name)
		if prefix != "" && prefix != last {
			blocks, last = blocks+1, prefix
		}
		depths[i] = blocks
		if prefix == "" && blocks > 0 {
			depths[i] = blocks + 1
		}
	}
	for i := len(g.Layers) - g.HeadLayers(); i < len(g.Layers); i++ {
		depths[i] = blocks + 1
	}
	return depths, blocks
}

// blockOf returns the "blocks.STAGE.INDEX" that a name begins with, "" if it is of no block.
func blockOf(name string) string {
	parts := strings.SplitN(name, ".", 4)
	if len(parts) < 4 || parts[0] != "blocks" {
		return ""
	}
	return strings.Join(parts[:3], ".")
}
