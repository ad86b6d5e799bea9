package models

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Graph is a network: layers in an order in which each reads only the image and layers before it. The
// last layer gives the logits. Make one with [Build] or [NewGraph], which check it; do not change it
// afterwards.
type Graph struct {
	Name   string  `json:"name"`   // for logs and summaries: "mobilenet_v1 paper"
	Input  Shape   `json:"input"`  // of the images
	Layers []Layer `json:"layers"` // the last one's output are the logits
}

// Limits of a graph that a file may describe.
const (
	maxLayers = 10_000
	maxSide   = 1 << 13 // pixels
	maxParams = 1 << 31 // values of all arrays; MobileNet v1 at width 16 has 0.8 * 2^30
)

// ErrGraph is wrapped by every error about a graph that cannot be computed.
var ErrGraph = errors.New("invalid graph")

// NewGraph checks layers, in order, and computes their shapes.
func NewGraph(name string, input Shape, layers []Layer) (*Graph, error) {
	g := &Graph{Name: name, Input: input, Layers: make([]Layer, len(layers))}
	for i, l := range layers {
		g.Layers[i] = l.clone()
	}
	if err := g.resolve(); err != nil {
		return nil, fmt.Errorf("models: %w %q: %w", ErrGraph, name, err)
	}
	return g, nil
}

// resolve checks every layer and fills in the shapes.
func (g *Graph) resolve() error {
	if g.Input.Channels < 1 || g.Input.Channels > maxChannels || g.Input.Height < 1 || g.Input.Width < 1 || max(g.Input.Height, g.Input.Width) > maxSide {
		return fmt.Errorf("input %v: must be channels, rows and columns, at most %d pixels a side", g.Input, maxSide)
	}
	if len(g.Layers) == 0 || len(g.Layers) > maxLayers {
		return fmt.Errorf("%d layers: must be 1 to %d", len(g.Layers), maxLayers)
	}
	shapes := map[string]Shape{InputName: g.Input}
	names := map[string]bool{}
	params := int64(0)
	for i := range g.Layers {
		l := &g.Layers[i]
		if err := l.resolve(shapes, names); err != nil {
			return fmt.Errorf("layer %d %q: %w", i, l.Name, err)
		}
		shapes[l.Name] = l.Output
		params += l.Params()
		if params > maxParams {
			return fmt.Errorf("layer %d %q: the network has more than %d parameters", i, l.Name, maxParams)
		}
	}
	if len(g.Arrays()) == 0 {
		return errors.New("it has no weights to train: add a convolution or a linear layer")
	}
	last := g.Layers[len(g.Layers)-1]
	if last.Output.Spatial() {
		return fmt.Errorf("the last layer, %q, gives %v: a classifier ends in one value per class (pool and add a linear layer)", last.Name, last.Output)
	}
	return g.allUsed()
}

// resolve computes the layer's shapes from those of the layers before. names holds all names of arrays.
func (l *Layer) resolve(shapes map[string]Shape, names map[string]bool) error {
	k, ok := kinds[l.Kind]
	switch {
	case !ok:
		return fmt.Errorf("no kind of layers is named %q", l.Kind)
	case l.Name == "" || l.Name == InputName:
		return errors.New("needs a name of its own")
	case len(l.Inputs) != k.inputs:
		return fmt.Errorf("reads %d layers, a layer of kind %s reads %d", len(l.Inputs), l.Kind, k.inputs)
	}
	in := make([]Shape, len(l.Inputs))
	for i, name := range l.Inputs {
		if in[i], ok = shapes[name]; !ok {
			return fmt.Errorf("reads %q, which no layer before it is named", name)
		}
	}
	if err := cmp.Or(l.unique(names), l.checkFields(), l.checkNorm(in[0]), l.checkActivation()); err != nil {
		return err
	}
	l.In = in[0]
	out, err := k.output(*l, in)
	if err != nil {
		return err
	}
	if out.Values() > maxValues {
		return fmt.Errorf("%v activations an image: more than %d; use a smaller resolution or width", out, maxValues)
	}
	l.Output = out
	return nil
}

func (l *Layer) unique(names map[string]bool) error {
	own := []string{l.Name}
	if l.Norm != nil && (l.Kind != KindBatchNorm || l.Norm.Name != l.Name) {
		own = append(own, l.Norm.Name)
	}
	for _, name := range own {
		switch {
		case name == "":
			return errors.New("a name is empty")
		case names[name]:
			return fmt.Errorf("the name %q is taken by a layer before it", name)
		}
		names[name] = true
	}
	return nil
}

// checkFields finds a field that layers of the kind do not have: whoever set it expects an effect.
func (l *Layer) checkFields() error {
	for _, f := range []struct {
		name  string
		set   bool
		kinds []Kind
	}{
		{"out", l.Out != 0, []Kind{KindConv, KindLinear}},
		{"kernel", l.Kernel != 0, []Kind{KindConv, KindMaxPool}},
		{"stride", l.Stride != 0, []Kind{KindConv, KindMaxPool}},
		{"groups", l.Groups != 0, []Kind{KindConv}},
		{"padding", l.Padding != "", []Kind{KindConv, KindMaxPool}},
		{"bias", l.Bias, []Kind{KindConv, KindLinear}},
		{"rate", l.Rate != 0, []Kind{KindDropout}},
		{"norm", l.Norm != nil, []Kind{KindConv, KindBatchNorm}},
	} {
		if f.set && !slices.Contains(f.kinds, l.Kind) {
			return fmt.Errorf("a layer of kind %s has no %s", l.Kind, f.name)
		}
	}
	return nil
}

func (l *Layer) checkNorm(in Shape) error {
	switch n := l.Norm; {
	case l.Kind == KindBatchNorm && n == nil:
		return errors.New("has no norm")
	case n == nil:
		return nil
	case !in.Spatial():
		return fmt.Errorf("batch norm of %v: it needs rows and columns", in)
	case !(n.Eps > 0) || math.IsInf(n.Eps, 1):
		return fmt.Errorf("batch norm eps %v: must be above 0", n.Eps)
	case !(n.Momentum > 0 && n.Momentum <= 1):
		return fmt.Errorf("batch norm momentum %v: must be above 0 and at most 1 (weight of the new batch)", n.Momentum)
	}
	return nil
}

func (l *Layer) checkActivation() error {
	switch a := l.Activation; {
	case l.Kind == KindActivation && a == nil:
		return errors.New("has no activation function")
	case a != nil && !slices.Contains(Functions, a.Function):
		return fmt.Errorf("activation %q: must be one of %v", a.Function, Functions)
	}
	return nil
}

// allUsed finds layers whose output nothing reads.
func (g *Graph) allUsed() error {
	read := map[string]bool{}
	for _, l := range g.Layers {
		for _, name := range l.Inputs {
			read[name] = true
		}
	}
	for _, l := range g.Layers[:len(g.Layers)-1] {
		if !read[l.Name] {
			return fmt.Errorf("nothing reads layer %q", l.Name)
		}
	}
	return nil
}

// Classes is the number of logits.
func (g *Graph) Classes() int { return g.Layers[len(g.Layers)-1].Output.Channels }

// Resize returns the graph for images of another size. Weights do not change; a graph with a flatten
// layer cannot be resized.
func (g *Graph) Resize(height, width int) (*Graph, error) {
	if height == g.Input.Height && width == g.Input.Width {
		return g, nil
	}
	resized, err := NewGraph(g.Name, Shape{g.Input.Channels, height, width}, g.Layers)
	if err != nil {
		return nil, err
	}
	for i, l := range resized.Layers {
		if l.Kind == KindLinear && l.In != g.Layers[i].In {
			return nil, fmt.Errorf("models: %w %q: %dx%d images: layer %q would read %v instead of %v", ErrGraph, g.Name, width, height, l.Name, l.In, g.Layers[i].In)
		}
	}
	return resized, nil
}

// String names the graph for logs.
func (g *Graph) String() string {
	return fmt.Sprintf("%s, input %v, %d classes", g.Name, g.Input, g.Classes())
}
