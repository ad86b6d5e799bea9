package formats

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"depthwise.dev/formats/hdf5"
	"depthwise.dev/formats/kerasmodel"
	"depthwise.dev/weights"
)

// kerasModel expresses weights as a model of Keras with the values of its arrays.
func kerasModel(w weights.Weights, o WriteOptions) (*kerasmodel.Model, kerasmodel.Arrays, error) {
	m, err := kerasmodel.New(w.Graph, kerasmodel.Options{Config: w.Config, Pixels: o.Uint8Input, Mean: w.Preprocess.Mean, Std: w.Preprocess.Std, MultiLabel: w.MultiLabel()})
	if err != nil {
		return nil, nil, err
	}
	values, err := w.Values()
	return m, values, err
}

// writeKeras writes a .keras file. Its members are stored as Keras stores them, without times.
func writeKeras(path string, w weights.Weights, o WriteOptions) error {
	m, values, err := kerasModel(w, o)
	if err != nil {
		return fmt.Errorf("formats: %s: %w", path, err)
	}
	description, err := metadataJSON(w)
	if err != nil {
		return fmt.Errorf("formats: %s: %w", path, err)
	}
	metadata, err := indented(map[string]any{"keras_version": kerasmodel.Version, descriptionKey: json.RawMessage(description)})
	if err != nil {
		return fmt.Errorf("formats: %s: metadata: %w", path, err)
	}
	config, err := m.JSON()
	if err != nil {
		return fmt.Errorf("formats: %s: configuration: %w", path, err)
	}
	text := func(b []byte) func(io.Writer) error {
		return func(out io.Writer) error { _, err := out.Write(b); return err }
	}
	return writeFile(path, func(out io.Writer) error {
		archive := zip.NewWriter(out)
		for _, member := range []struct {
			name string
			fill func(io.Writer) error
		}{
			{kerasMetadata, text(metadata)}, // the first member identifies the format
			{kerasConfig, text(config)},
			{kerasWeights, func(out io.Writer) error { return hdf5.Write(out, m.Weights(values)) }},
		} {
			file, err := archive.CreateHeader(&zip.FileHeader{Name: member.name, Method: zip.Store})
			if err == nil {
				err = member.fill(file)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", member.name, err)
			}
		}
		return archive.Close()
	})
}

// writeH5 writes a whole model, or weights alone if the name ends in .weights.h5, as Keras' own functions distinguish them.
func writeH5(path string, w weights.Weights, o WriteOptions) error {
	m, values, err := kerasModel(w, o)
	if err != nil {
		return fmt.Errorf("formats: %s: %w", path, err)
	}
	root := m.Weights(values)
	if !strings.HasSuffix(strings.ToLower(path), ".weights.h5") {
		if root, err = m.Whole(values); err != nil {
			return fmt.Errorf("formats: %s: configuration: %w", path, err)
		}
	}
	text, err := metadataJSON(w)
	if err != nil {
		return fmt.Errorf("formats: %s: %w", path, err)
	}
	root.Attributes = append(root.Attributes, hdf5.Attribute{Name: descriptionKey, Scalar: true, Text: []string{string(text)}})
	return writeFile(path, func(out io.Writer) error { return hdf5.Write(out, root) })
}
