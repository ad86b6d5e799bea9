package kerasmodel

import (
	"encoding/json"
	"maps"
)

// Version is the version of Keras whose files these are.
const Version = "3.15.1"

// JSON is the model's configuration: config.json of a .keras file.
func (m *Model) JSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
		"config": m.config(true), "build_config": map[string]any{"input_shape": nil},
	})
}

// LegacyJSON is the configuration in the form of whole models in HDF5: attribute model_config of a .h5 file.
func (m *Model) LegacyJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"class_name": "Functional", "config": m.config(false)})
}

// config is that of a Functional model; modules names where each class is, which only .keras files do.
func (m *Model) config(modules bool) map[string]any {
	var layers []any
	for _, l := range m.Layers {
		config := map[string]any{"name": l.Name}
		maps.Copy(config, l.Config)
		layer := map[string]any{"class_name": l.Class, "config": config, "name": l.Name, "inbound_nodes": l.node()}
		if modules {
			layer["module"], layer["registered_name"] = "keras.layers", nil
		}
		layers = append(layers, layer)
	}
	reference := func(l *Layer) []any { return []any{l.Name, 0, 0} }
	input := m.Layers[0] // nothing is further from the output
	return map[string]any{
		"name": m.Name, "trainable": true, "layers": layers, "input_layers": reference(input), "output_layers": reference(m.Output),
	}
}

// node is the call of a layer with its inputs: none of the input layer, a list of Add.
func (l *Layer) node() []any {
	if len(l.Inputs) == 0 {
		return []any{}
	}
	var tensors []any
	for _, in := range l.Inputs {
		tensors = append(tensors, map[string]any{"class_name": "__keras_tensor__", "config": map[string]any{
			"shape": batchShape(in.Shape), "dtype": "float32", "keras_history": []any{in.Name, 0, 0},
		}})
	}
	args := tensors
	if len(tensors) > 1 {
		args = []any{tensors}
	}
	return []any{map[string]any{"args": args, "kwargs": map[string]any{}}}
}
