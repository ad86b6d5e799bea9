package peers

import (
	"fmt"
	"slices"

	"depthwise.dev/models"
)

// differ says where a tool's network computes something else than the own one, at the resolution of the own one; nil: nowhere.
// Both have the names of timm. Each kind of difference is named once, by its first layer.
func differ(own, theirs *models.Graph) []string {
	var list []string
	a, b := inference(own), inference(theirs)
	for _, l := range a {
		if at(b, l.Name) < 0 {
			list = append(list, fmt.Sprintf("its network has no layer %s", l.Name))
		}
	}
	for _, l := range b {
		if at(a, l.Name) < 0 {
			list = append(list, fmt.Sprintf("its network has a layer %s", l.Name))
		}
	}
	if list != nil {
		return list
	}
	for _, what := range aspects {
		for i, l := range a {
			if x, y := what.of(l), what.of(b[i]); x != y {
				list = append(list, fmt.Sprintf("its %s of layer %s is %s, that of the weights %s", what.name, l.Name, y, x))
				break
			}
		}
	}
	return list
}

// inference are the layers that compute something outside training. A layer that reads a dropout layer reads its input.
func inference(g *models.Graph) []models.Layer {
	replaced := map[string]string{}
	var list []models.Layer
	for _, l := range g.Layers {
		l.Inputs = slices.Clone(l.Inputs)
		for i, name := range l.Inputs {
			if input, ok := replaced[name]; ok {
				l.Inputs[i] = input
			}
		}
		if l.Kind == models.KindDropout {
			replaced[l.Name] = l.Inputs[0]
			continue
		}
		list = append(list, l)
	}
	return list
}

// at is the position of a layer, -1 if there is none of the name.
func at(layers []models.Layer, name string) int {
	return slices.IndexFunc(layers, func(l models.Layer) bool { return l.Name == name })
}

// aspects are the properties of layers that decide what they compute.
var aspects = []struct {
	name string
	of   func(models.Layer) string
}{
	{"kind", func(l models.Layer) string { return string(l.Kind) }},
	{"input", func(l models.Layer) string { return fmt.Sprint(l.Inputs) }},
	{"activation", func(l models.Layer) string {
		if l.Activation == nil {
			return "none"
		}
		return string(l.Activation.Function)
	}},
	{"padding", func(l models.Layer) string {
		if !l.Windowed() {
			return ""
		}
		rows, columns := l.Pads(l.In.Height, l.In.Width)
		return fmt.Sprintf("%d+%d rows and %d+%d columns", rows.Before, rows.After, columns.Before, columns.After)
	}},
	{"window", func(l models.Layer) string {
		return fmt.Sprintf("%d, stride %d, groups %d, %d outputs", l.Kernel, l.Stride, l.Groups, l.Out)
	}},
	{"bias", func(l models.Layer) string { return fmt.Sprint(l.Bias) }},
	{"batch norm's epsilon", func(l models.Layer) string {
		if l.Norm == nil {
			return "none"
		}
		return fmt.Sprint(l.Norm.Eps)
	}},
}
