// Package tflite writes trained weights as files of TensorFlow Lite (LiteRT): the operators of the network on NHWC
// activations, class names and preprocessing. It needs no libtorch.
package tflite

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/weights"
)

// MetadataName is the name of the metadata buffer with the entries of [weights.Weights.File] as a JSON object.
const MetadataName = "depthwise"

// Options are the options of [Write].
type Options struct {
	// Float16 stores the weights of convolutions and linear layers as float16, half the size. Biases and batch norms of
	// their own, which are small, stay float32, and so do activations.
	Float16 bool
	// Uint8Input makes the input uint8 pixels, which the network normalizes itself. Otherwise it is normalized float32 values.
	Uint8Input bool
	// Producer names the writing program and its version.
	Producer string
}

// Write writes the network with its batch norms folded. Its input is of (N, height, width, channels), its output the
// logits, (N, classes); N is 1 until the reader resizes the input. The same weights and options give the same bytes.
//
// Errors are arrays that are missing or beyond the range of float16, a network of other than 3 channels that is to take
// pixels, more than 2 GiB, and those of out.
func Write(out io.Writer, w weights.Weights, o Options) error {
	n, err := deploy.New(w, deploy.Options{})
	if err != nil {
		return err
	}
	m, err := convert(n, o)
	if err != nil {
		return err
	}
	m.description = strings.ToValidUTF8(n.Name, "\uFFFD")
	if o.Producer != "" {
		m.description += ", " + o.Producer
	}
	if err := m.addMetadata(w, n, o); err != nil {
		return err
	}
	file, err := m.encode()
	if err != nil {
		return err
	}
	if _, err := out.Write(file); err != nil {
		return fmt.Errorf("tflite: %w", err)
	}
	return writeLabels(out, int64(len(file)), n.Classes)
}

// addMetadata adds what describes the weights, for this program's users and for TensorFlow Lite's libraries.
func (m *model) addMetadata(w weights.Weights, n deploy.Network, o Options) error {
	w.Raw = nil
	w.Arrays = nil
	f, err := w.File()
	if err != nil {
		return err
	}
	text, err := json.Marshal(f.Meta)
	if err != nil {
		return fmt.Errorf("tflite: metadata: %w", err)
	}
	origin, err := w.PublishedOrigin()
	if err != nil {
		return err
	}
	license := ""
	if origin != nil {
		license = origin.License
	}
	m.describe(MetadataName, string(text))
	m.describe("TFLITE_METADATA", string(modelMetadata(n, o, license)))
	return nil
}
