// Package kerasmodel expresses trained networks as models of Keras 3: layers with their configurations, names and
// variables, and what of them is in each of Keras' files. It needs no libtorch.
package kerasmodel

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/formats/deploy"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// Model is a Functional model of Keras. Its output are probabilities: Keras' classifiers end in a softmax, those of independent classes in a sigmoid.
type Model struct {
	Name string
	// Layers are in the order of Keras' model.layers, by which variables are found in its files.
	Layers []*Layer
	// Output is the last layer of the computation.
	Output *Layer
	graph  *models.Graph
}

// Layer is a layer of Keras.
type Layer struct {
	Class     string // Keras': Conv2D
	Name      string // unique, of ASCII letters, digits and '_'
	Config    map[string]any
	Inputs    []*Layer
	Shape     []int // of the output, without the batch: (rows, columns, channels), or (channels)
	Variables []Variable
}

// Variable is a variable of a layer.
type Variable struct {
	Name  string // kernel, bias, gamma, beta, moving_mean or moving_variance
	Array string // the name of the graph's array
	Shape []int  // Keras': kernels are (rows, columns, in, out), (in, out), or (rows, columns, channels, multiplier)

	depthwise bool // a kernel of the last form
}

// Options are the options of [New].
type Options struct {
	// Config of the MobileNet that the graph was built from; nil: another graph. MobileNets have the names of keras.applications,
	// the article's network the numbered names that Keras gives.
	Config *mobilenet.Config
	// Pixels makes the model take pixels from 0 to 255, and normalize them by Mean and Std, which are of values from 0 to 1.
	Pixels    bool
	Mean, Std [3]float64
	// MultiLabel: the model ends in a sigmoid in place of the softmax, as its classes are independent.
	MultiLabel bool
}

// New expresses a graph. What Keras has no layer for is an error that names the graph's layer.
func New(g *models.Graph, o Options) (*Model, error) {
	b := builder{names: namesOf(g, o.Config), outputs: map[string]*Layer{}, taken: map[string]bool{}, notNegative: map[string]bool{}, config: o.Config, multiLabel: o.MultiLabel}
	b.taken["normalization"] = true // a name does not depend on the options
	input := b.add("InputLayer", "input_layer", nil, kerasShape(g.Input))
	input.Config = map[string]any{"batch_shape": batchShape(input.Shape), "dtype": "float32"}
	if o.Pixels {
		if err := deploy.CheckPixels(g.Input, data.Preprocess{Mean: o.Mean, Std: o.Std}); err != nil {
			return nil, err
		}
		delete(b.taken, "normalization")
		input = b.add("Normalization", "normalization", normalization(o), input.Shape, input)
	}
	b.outputs[models.InputName] = input
	for i, l := range g.Layers {
		if err := b.layer(l, i == len(g.Layers)-1); err != nil {
			return nil, fmt.Errorf("layer %q: %w", l.Name, err)
		}
	}
	output := b.outputs[g.Layers[len(g.Layers)-1].Name]
	return &Model{Name: "depthwise", Layers: kerasOrder(b.layers, output), Output: output, graph: g}, nil
}

// normalization are the settings of Keras' Normalization: (x - mean) / sqrt(variance), of each color.
func normalization(o Options) map[string]any {
	mean, variance := make([]float64, 3), make([]float64, 3)
	for i := range mean {
		std := o.Std[i] * 255
		mean[i], variance[i] = o.Mean[i]*255, std*std
	}
	return map[string]any{"axis": -1, "mean": mean, "variance": variance}
}

// kerasShape is (rows, columns, channels), or (channels).
func kerasShape(s models.Shape) []int {
	if !s.Spatial() {
		return []int{s.Channels}
	}
	return []int{s.Height, s.Width, s.Channels}
}

// batchShape puts null, any number, before a shape.
func batchShape(shape []int) []any {
	list := []any{nil}
	for _, d := range shape {
		list = append(list, d)
	}
	return list
}

// kerasOrder sorts layers as keras.Model.layers: by their distance from the output, the furthest first, then in the order in
// which a depth-first search from the output meets them (map_graph of keras/src/ops/function.py). layers are in an order of
// computation.
func kerasOrder(layers []*Layer, output *Layer) []*Layer {
	depth, met := map[*Layer]int{}, map[*Layer]int{}
	for _, l := range slices.Backward(layers) {
		for _, in := range l.Inputs {
			depth[in] = max(depth[in], depth[l]+1)
		}
	}
	stack := []*Layer{output}
	for len(stack) > 0 {
		l := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, again := met[l]; again {
			continue
		}
		met[l] = len(met)
		for _, in := range slices.Backward(l.Inputs) {
			stack = append(stack, in)
		}
	}
	list := slices.Clone(layers)
	slices.SortStableFunc(list, func(a, b *Layer) int {
		if depth[a] != depth[b] {
			return depth[b] - depth[a]
		}
		return met[a] - met[b]
	})
	return list
}

var (
	capital = regexp.MustCompile(`(.)([A-Z][a-z]+)`)
	change  = regexp.MustCompile(`([a-z])([A-Z])`)
)

// snakeCase is Keras' to_snake_case of a class: conv2d, re_lu, global_average_pooling2d.
func snakeCase(class string) string {
	return strings.ToLower(change.ReplaceAllString(capital.ReplaceAllString(class, "${1}_${2}"), "${1}_${2}"))
}
