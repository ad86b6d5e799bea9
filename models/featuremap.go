package models

import "fmt"

// FeatureMapLayers is the number of layers up to the last feature map with rows and columns: the last convolution with the
// activation that follows it, whose output the rest of the graph pools and classifies. It returns an error if the layers
// behind it are no chain, or if there is no convolution.
func (g *Graph) FeatureMapLayers() (int, error) {
	n := len(g.Layers)
	first := n // of the layers that pool and classify
	for first > 0 && !g.drawsMap(first-1) {
		first--
		if l := g.Layers[first]; len(l.Inputs) != 1 || first > 0 && l.Inputs[0] != g.Layers[first-1].Name {
			return 0, fmt.Errorf("%v has no last feature map: %s, behind its last convolution, does not read the layer before it", g, l.Name)
		}
	}
	if first == 0 {
		return 0, fmt.Errorf("%v has no last feature map: it has no convolution", g)
	}
	for first < n && (g.Layers[first].Kind == KindBatchNorm || g.Layers[first].Kind == KindActivation) {
		first++
	}
	if first == n {
		return 0, fmt.Errorf("%v has no layer behind its last feature map", g)
	}
	return first, nil
}

// drawsMap reports whether layer i computes a feature map from another one: not a convolution of the single position that
// global pooling has left.
func (g *Graph) drawsMap(i int) bool {
	l := g.Layers[i]
	pooled := i > 0 && l.In.Height*l.In.Width == 1 && g.Layers[i-1].Kind == KindGlobalAvgPool
	return (l.Kind == KindConv || l.Kind == KindAdd && l.Output.Spatial()) && !pooled
}
