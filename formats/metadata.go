package formats

import (
	"bytes"
	"encoding/json"
	"fmt"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// metadataJSON is the metadata of weights, the entries that safetensors files have, as one JSON object for formats that hold
// a file of text. Entries that are JSON objects or lists are values of the object, others are texts.
func metadataJSON(w weights.Weights) ([]byte, error) {
	w.Raw = nil
	f, err := w.File()
	if err != nil {
		return nil, err
	}
	entries := map[string]json.RawMessage{}
	for key, value := range f.Meta {
		if structured(value) && json.Valid([]byte(value)) {
			entries[key] = json.RawMessage(value)
			continue
		}
		if entries[key], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
	}
	return indented(entries)
}

// structured reports whether a text begins as a JSON object or list.
func structured(text string) bool { return text != "" && (text[0] == '{' || text[0] == '[') }

// parseMetadata reads what metadataJSON wrote.
func parseMetadata(text []byte) (map[string]string, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, err
	}
	meta := map[string]string{}
	for key, raw := range entries {
		if structured(string(raw)) {
			var compact bytes.Buffer
			if err := json.Compact(&compact, raw); err != nil {
				return nil, fmt.Errorf("%q: %w", key, err)
			}
			meta[key] = compact.String()
			continue
		}
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		meta[key] = value
	}
	return meta, nil
}

// indented writes JSON for people too: two spaces a level, and <, > and & as they are.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// fromDescribed takes the weights from arrays with the metadata of this program. The arrays have the graph's names, or those
// of a tool that they were exported to.
func fromDescribed(path string, f checkpoints.File) (weights.Weights, error) {
	w, err := weights.FromFile(f)
	if err == nil {
		err = ownNames(&w)
	}
	if err == nil && w.Raw != nil {
		err = peers.Check(w.Graph, w.Raw)
	}
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return w, nil
}

// formatKey is a metadata entry that Transformers requires of safetensors files: "pt", arrays of PyTorch.
const formatKey = "format"

// ownNames gives arrays that were exported to another tool the names of the graph again, and drops PyTorch's counters.
func ownNames(w *weights.Weights) error {
	delete(w.Meta, formatKey)
	var arrays []checkpoints.Array
	for _, a := range w.Arrays {
		if !peers.Ignored(a.Name) {
			arrays = append(arrays, a)
		}
	}
	w.Arrays = arrays
	err := peers.Check(w.Graph, w.Arrays)
	if err == nil || w.Config == nil {
		return err
	}
	if renamed, ok := peers.Rename(w.Config.Arch, w.Graph, w.Arrays); ok {
		w.Arrays, err = renamed, nil
	}
	return err
}
