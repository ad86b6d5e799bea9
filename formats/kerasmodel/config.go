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
		"config": m.config(false), "build_config": map[string]any{"input_shape": nil},
	})
}

// LegacyJSON is the configuration in the form of Keras 2, which Keras 3 reads too: attribute model_config of a .h5 file.
func (m *Model) LegacyJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"class_name": "Functional", "config": m.config(true)})
}

// config is that of a Functional model.
func (m *Model) config(legacy bool) map[string]any {
	var layers []any
	for _, l := range m.Layers {
		config := map[string]any{"name": l.Name}
		maps.Copy(config, l.Config)
		layer := map[string]any{"class_name": l.Class, "config": config, "name": l.Name}
		if legacy {
			layer["inbound_nodes"] = l.legacyNode()
			if shape, ok := config["batch_shape"]; ok {
				delete(config, "batch_shape")
				config["batch_input_shape"] = shape
			}
		} else {
			layer["inbound_nodes"], layer["module"], layer["registered_name"] = l.node(), "keras.layers", nil
		}
		layers = append(layers, layer)
	}
	input, output := []any{m.Layers[0].Name, 0, 0}, []any{m.Output.Name, 0, 0} // nothing is further from the output than the input
	return map[string]any{"name": m.Name, "trainable": true, "layers": layers, "input_layers": input, "output_layers": output}
}

// legacyNode is the call of a layer in the form of Keras 2: name, node, tensor and arguments of each input.
func (l *Layer) legacyNode() []any {
	if len(l.Inputs) == 0 {
		return []any{}
	}
	var call []any
	for _, in := range l.Inputs {
		call = append(call, []any{in.Name, 0, 0, map[string]any{}})
	}
	return []any{call}
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
