package peers

import (
	"slices"
	"strings"

	"depthwise.dev/models"
)

// scheme is how a tool names the arrays of an architecture.
type scheme struct {
	tool tool
	name string // for messages
	arch string
	// variants whose networks come with these names, the tool's own first.
	variants []string
	// layer returns the tool's names of a layer of the graph, of its convolution and of its norm. There may be several,
	// of versions of the tool.
	layer func(g *models.Graph, l models.Layer) layerNames
}

// tool is the program whose names they are.
type tool int

const (
	toolTimm tool = iota
	toolTorchvision
	toolHF
	toolKeras // names are LAYER/KIND with Keras' kinds, and kernels have its layout
)

// layerNames are a tool's names of a layer and of its batch norm.
type layerNames struct{ conv, norm []string }

// one is the only name of a layer and of its norm.
func one(conv, norm string) layerNames { return layerNames{[]string{conv}, []string{norm}} }

// schemes is the table of naming schemes. Where a file's names are those of several, the first with fitting shapes is
// taken.
var schemes = []scheme{
	{toolTimm, "timm", "mobilenet_v1", []string{"timm", "paper", "article"}, timmNames},
	{toolTimm, "timm", "mobilenet_v2", []string{"timm"}, timmNames},
	{toolTorchvision, "torchvision", "mobilenet_v2", []string{"torchvision"}, torchvisionV2Names},
	{toolHF, "Hugging Face's MobileNetV1", "mobilenet_v1", []string{"hf"}, hfV1Names},
	{toolHF, "Hugging Face's MobileNetV2", "mobilenet_v2", []string{"hf"}, hfV2Names},
	{toolKeras, "Keras' MobileNet", "mobilenet_v1", []string{"keras"}, kerasV1Names},
	{toolKeras, "Keras' MobileNetV2", "mobilenet_v2", []string{"keras"}, kerasV2Names},
	{toolKeras, "Keras' numbered layers", "mobilenet_v1", []string{"article", "keras"}, numberedNames("dense")},
	{toolKeras, "Keras' numbered layers", "mobilenet_v1", []string{"keras"}, numberedNames("conv2d_14")}, // the head is a convolution
	{toolKeras, "Keras' numbered layers", "mobilenet_v2", []string{"keras"}, numberedNames("dense")},
}

// place is where an array of the graph is in a file.
type place struct {
	array models.Array
	names []string // the first that the file has
	layer models.Layer
	kind  kind
}

// kind is the layout of an array.
type kind int

const (
	vector kind = iota // also kernels of PyTorch, whose layout is the graph's
	kernel             // Keras' convolution, (H, W, in, out)
	depthwise
	dense
)

// places are those of all arrays of the graph.
func (s *scheme) places(g *models.Graph) []place {
	var list []place
	for _, l := range g.Layers {
		names := s.layer(g, l)
		for _, a := range l.Arrays() {
			i := strings.LastIndex(a.Name, ".")
			prefix, suffix := a.Name[:i], a.Name[i+1:]
			p := place{array: a, layer: l}
			from, separator := names.conv, "."
			if l.Norm != nil && prefix == l.Norm.Name {
				from = names.norm
			}
			if s.tool == toolKeras {
				suffix, separator = kerasKind(suffix, l.Norm != nil && prefix == l.Norm.Name), "/"
				p.kind = kerasLayout(l, suffix)
			}
			for _, name := range from {
				p.names = append(p.names, name+separator+suffix)
			}
			list = append(list, p)
		}
	}
	return list
}

// classes is the number of values of the head's bias; 0 if there is none.
func (s *scheme) classes(arrays []named) int {
	g := headOnly()
	names := s.layer(g, g.Layers[len(g.Layers)-1]).conv
	separator := "."
	if s.tool == toolKeras {
		separator = "/"
	}
	for _, a := range arrays {
		if len(a.Shape) == 1 && slices.ContainsFunc(names, func(name string) bool { return a.name == name+separator+"bias" }) {
			return a.Shape[0]
		}
	}
	return 0
}

// headOnly is a graph with the layer that every scheme names without the others.
func headOnly() *models.Graph {
	return &models.Graph{Layers: []models.Layer{{Name: "classifier", Kind: models.KindLinear}}}
}

// numbered is the position of a block in the network, from 0, and the part of the block that a layer is.
func numbered(g *models.Graph, name string) (number int, part string) {
	part = name[strings.LastIndex(name, ".")+1:]
	prefix, last := "", -1
	for _, l := range g.Layers {
		if !strings.HasPrefix(l.Name, "blocks.") {
			continue
		}
		if p := l.Name[:strings.LastIndex(l.Name, ".")]; p != prefix {
			prefix, last = p, last+1
		}
		if l.Name == name {
			return last, part
		}
	}
	return -1, part
}

// timmNames are the graph's own names.
func timmNames(_ *models.Graph, l models.Layer) layerNames {
	if l.Norm == nil {
		return layerNames{conv: []string{l.Name}}
	}
	return one(l.Name, l.Norm.Name)
}
