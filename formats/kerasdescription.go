package formats

import (
	"encoding/json"
	"fmt"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/hdf5"
	"depthwise.dev/formats/kerasmodel"
	"depthwise.dev/weights"
)

// descriptionKey is the entry of metadata.json, or the attribute of an HDF5 file, with the metadata of the weights: network,
// classes, preprocessing, origin. Keras ignores it.
const descriptionKey = "depthwise"

// kerasDescription is the metadata of weights as JSON for other programs: objects and lists as they are, other values as
// strings.
func kerasDescription(w weights.Weights) (map[string]any, error) {
	w.Raw = nil
	f, err := w.File()
	if err != nil {
		return nil, err
	}
	description := map[string]any{}
	for key, value := range f.Meta {
		if isStructure(value) && json.Valid([]byte(value)) {
			description[key] = json.RawMessage(value)
		} else {
			description[key] = value
		}
	}
	return description, nil
}

func isStructure(text string) bool {
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
}

// metadataOf restores the metadata from what kerasDescription gave; nil where a file has none.
func metadataOf(text []byte) (map[string]string, error) {
	var description map[string]json.RawMessage
	if len(text) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(text, &description); err != nil {
		return nil, fmt.Errorf("its metadata %q: %w", descriptionKey, err)
	}
	meta := map[string]string{}
	for key, raw := range description {
		if value := string(raw); isStructure(value) {
			meta[key] = value
			continue
		}
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("its metadata %q: %q: %w", descriptionKey, key, err)
		}
		meta[key] = value
	}
	return meta, nil
}

// fromDescription takes weights from a Keras file of this program.
func fromDescription(meta map[string]string, datasets map[string]hdf5.Array) (weights.Weights, error) {
	w, err := weights.FromFile(checkpoints.File{Meta: meta})
	if err != nil {
		return w, err
	}
	m, err := kerasmodel.New(w.Graph, kerasmodel.Options{Config: w.Config})
	if err != nil {
		return w, err
	}
	w.Arrays, err = m.Read(datasets)
	return w, err
}
