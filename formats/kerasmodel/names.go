package kerasmodel

import (
	"fmt"
	"strings"

	"depthwise.dev/formats/peers"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// part is what of a graph's layer a layer of Keras computes.
type part string

const (
	main       part = ""
	norm       part = "bn"
	activation part = "relu"
	pad        part = "pad"
)

// names proposes the name of the layer of Keras, of a class, that computes a part of a graph's layer.
type names func(class string, l models.Layer, p part) string

// namesOf are the names of keras.applications for MobileNets, those that Keras gives by itself for the article's network,
// and the graph's own for other networks.
func namesOf(g *models.Graph, c *mobilenet.Config) names {
	switch {
	case c == nil:
		return ownNames
	case c.Variant == "article":
		return func(class string, _ models.Layer, _ part) string { return snakeCase(class) }
	}
	return func(class string, l models.Layer, p part) string { return applicationsName(class, g, *c, l, p) }
}

// applicationsName is the name in keras.applications.MobileNet or MobileNetV2.
func applicationsName(class string, g *models.Graph, c mobilenet.Config, l models.Layer, p part) string {
	if l.Kind == models.KindAdd {
		return peers.KerasBlock(g, l) + "add"
	}
	if l.Kind != models.KindConv && l.Kind != models.KindLinear {
		return snakeCase(class)
	}
	layer, normName := peers.KerasNames(c.Arch, g, l)
	switch {
	case p == norm:
		return normName
	case p == activation && layer == "Conv_1":
		return "out_relu"
	case p == pad && strings.HasPrefix(layer, "conv_dw_"):
		return strings.Replace(layer, "dw", "pad", 1)
	case p == pad && strings.HasSuffix(layer, "_depthwise"):
		return strings.TrimSuffix(layer, "depthwise") + "pad"
	case l.Kind == models.KindLinear && class == "Dense":
		return "predictions"
	case p == main:
		return layer
	}
	return layer + "_" + string(p)
}

// ownNames are those of the graph. Keras takes no '/' in names, TensorFlow no spaces and nothing but ASCII, PyTorch no dots.
func ownNames(class string, l models.Layer, p part) string {
	switch {
	case p == main:
		return identifier(l.Name, class)
	case p == norm && l.Norm != nil:
		return identifier(l.Norm.Name, class)
	case p == activation && l.Activation != nil && l.Activation.Name != "":
		return identifier(l.Activation.Name, class)
	}
	return identifier(l.Name, class) + "_" + string(p)
}

// maxName bounds the length of names, which are folders of other formats that Keras writes.
const maxName = 100

// identifier replaces what is not a letter or digit of ASCII by '_'. What has none is named by its class.
func identifier(name, class string) string {
	id := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if id = id[:min(len(id), maxName)]; strings.Trim(id, "_") == "" {
		return snakeCase(class)
	}
	if id[0] == '_' || id[0] >= '0' && id[0] <= '9' { // TensorFlow's scopes begin with a letter or digit, PyTorch's identifiers with a letter
		id = "layer_" + id
	}
	return id
}

// unique numbers names that are taken, as Keras does: conv2d, conv2d_1, conv2d_2.
func (b *builder) unique(name string) string {
	id := name
	for n := 1; b.taken[strings.ToLower(id)]; n++ { // TensorFlow's scopes do not distinguish cases
		id = fmt.Sprintf("%s_%d", name, n)
	}
	b.taken[strings.ToLower(id)] = true
	return id
}
