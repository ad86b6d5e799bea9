package kerasmodel

import (
	"fmt"
	"strconv"

	"depthwise.dev/formats/hdf5"
)

// Arrays are the values of the graph's arrays by name.
type Arrays map[string][]float32

// Weights is the content of a .weights.h5 file and of model.weights.h5 in a .keras file: layers/CLASS_NUMBER/vars/0.
func (m *Model) Weights(values Arrays) hdf5.Group {
	var layers []hdf5.Member
	for i, name := range m.storeNames() {
		l := m.Layers[i]
		vars := hdf5.Group{Attributes: []hdf5.Attribute{text("name", l.Name)}}
		for n, v := range l.Variables {
			vars.Members = append(vars.Members, hdf5.Member{Name: strconv.Itoa(n), Dataset: v.dataset(values)})
		}
		layers = append(layers, hdf5.Member{Name: name, Group: hdf5.Group{Members: []hdf5.Member{{Name: "vars", Group: vars}}}})
	}
	return hdf5.Group{Members: []hdf5.Member{
		{Name: "layers", Group: hdf5.Group{Members: layers}},
		{Name: "vars", Group: hdf5.Group{Attributes: []hdf5.Attribute{text("name", m.Name)}}},
	}}
}

// storeNames are the names of the layers in .weights.h5 files: the class, numbered in the order of Layers.
func (m *Model) storeNames() []string {
	count, list := map[string]int{}, make([]string, len(m.Layers))
	for i, l := range m.Layers {
		class := snakeCase(l.Class)
		list[i] = class
		if n := count[class]; n > 0 {
			list[i] = fmt.Sprintf("%s_%d", class, n)
		}
		count[class]++
	}
	return list
}

// Whole is the content of a .h5 file of a whole model: the attribute model_config, and model_weights/LAYER/LAYER/VARIABLE.
func (m *Model) Whole(values Arrays) (hdf5.Group, error) {
	config, err := m.LegacyJSON()
	if err != nil {
		return hdf5.Group{}, err
	}
	version := []hdf5.Attribute{text("backend", "tensorflow"), text("keras_version", Version)}
	weights := hdf5.Group{Attributes: version}
	var names []string
	for _, l := range m.Layers {
		names = append(names, l.Name)
		weights.Members = append(weights.Members, hdf5.Member{Name: l.Name, Group: l.group(values)})
	}
	weights.Attributes = append(weights.Attributes, textLists("layer_names", names)...)
	return hdf5.Group{
		Attributes: append([]hdf5.Attribute{text("model_config", string(config))}, version...),
		Members:    []hdf5.Member{{Name: "model_weights", Group: weights}},
	}, nil
}

// group is that of a layer in model_weights.
func (l *Layer) group(values Arrays) hdf5.Group {
	var names []string
	var variables hdf5.Group
	for _, v := range l.Variables {
		names = append(names, l.Name+"/"+v.Name)
		variables.Members = append(variables.Members, hdf5.Member{Name: v.Name, Dataset: v.dataset(values)})
	}
	g := hdf5.Group{Attributes: []hdf5.Attribute{{Name: "weight_names", Text: names}}}
	if len(names) > 0 {
		g.Members = []hdf5.Member{{Name: l.Name, Group: variables}}
	}
	return g
}

func text(name, value string) hdf5.Attribute {
	return hdf5.Attribute{Name: name, Scalar: true, Text: []string{value}}
}

// textLists is a list of strings, in several attributes where one cannot hold it: layer_names0, layer_names1, as Keras
// splits it.
func textLists(name string, list []string) []hdf5.Attribute {
	if len(list) <= hdf5.MaxTexts {
		return []hdf5.Attribute{{Name: name, Text: list}}
	}
	var attributes []hdf5.Attribute
	for len(list) > 0 {
		n := min(len(list), hdf5.MaxTexts)
		attributes = append(attributes, hdf5.Attribute{Name: fmt.Sprint(name, len(attributes)), Text: list[:n]})
		list = list[n:]
	}
	return attributes
}
