package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"depthwise.dev/formats/hdf5"
	"depthwise.dev/formats/peers"
	"depthwise.dev/internal/zipfile"
	"depthwise.dev/weights"
)

// h5 is Keras' HDF5 file of a model (model.save, .h5) or of weights (model.save_weights, .weights.h5).
var h5 = Format{
	Name:        "h5",
	Description: "Keras' models and weights in HDF5",
	Extensions:  []string{".h5", ".hdf5"},
	Detect:      func(head []byte) bool { return bytes.HasPrefix(head, []byte(hdf5.Signature)) },
	Read:        readH5,
	Write:       writeH5,
	Options:     []Option{OptionFoldBatchNorm, OptionUint8Input},
}

// keras is Keras' zip of a configuration and a .weights.h5 file.
var keras = Format{
	Name:        "keras",
	Description: "Keras' models",
	Extensions:  []string{".keras"},
	Detect: func(head []byte) bool {
		return slices.Contains([]string{kerasMetadata, kerasConfig, kerasWeights}, firstMember(head))
	},
	Read:    readKeras,
	Write:   writeKeras,
	Options: []Option{OptionFoldBatchNorm, OptionUint8Input},
}

// Members of a .keras file.
const (
	kerasMetadata = "metadata.json"
	kerasConfig   = "config.json"
	kerasWeights  = "model.weights.h5"
)

// kerasContent is what a file of Keras holds.
type kerasContent struct {
	peers.State
	description []byte // of files that this program wrote
	datasets    map[string]hdf5.Array
}

func readH5(path string, o ReadOptions) (weights.Weights, error) {
	file, err := os.Open(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %w", err)
	}
	info, err := file.Stat()
	var c kerasContent
	if err == nil {
		c, err = kerasArrays(file, info.Size())
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return c.weights(path, o)
}

func readKeras(path string, o ReadOptions) (weights.Weights, error) {
	archive, err := zipfile.Open(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %w", err)
	}
	c, err := kerasMembers(archive)
	if err := errors.Join(err, archive.Close()); err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return c.weights(path, o)
}

// weights recognizes the content, by its description or as a file of Keras.
func (c kerasContent) weights(path string, o ReadOptions) (weights.Weights, error) {
	if len(c.description) == 0 {
		return fromPeer(path, c.State, o)
	}
	meta, err := parseMetadata(c.description)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: its metadata %q: %w", path, descriptionKey, err)
	}
	w, err := fromDescription(meta, c.datasets)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return w, nil
}

func kerasMembers(archive *zipfile.Archive) (kerasContent, error) {
	content, err := archive.Read(kerasWeights)
	if err != nil {
		return kerasContent{}, err
	}
	c, err := kerasArrays(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return c, fmt.Errorf("%s: %w", kerasWeights, err)
	}
	if archive.Has(kerasConfig) {
		if c.KerasConfig, err = archive.Read(kerasConfig); err != nil {
			return c, err
		}
	}
	if !archive.Has(kerasMetadata) {
		return c, nil
	}
	text, err := archive.Read(kerasMetadata)
	var metadata map[string]json.RawMessage
	if err == nil && json.Unmarshal(text, &metadata) == nil { // Keras' own entries are not needed
		c.description = metadata[descriptionKey]
	}
	return c, err
}

// kerasArrays reads the arrays of an HDF5 file, but not those of an optimizer, and the model's configuration.
func kerasArrays(r io.ReaderAt, size int64) (kerasContent, error) {
	c := kerasContent{State: peers.State{Keras: true}, datasets: map[string]hdf5.Array{}}
	f, err := hdf5.Open(r, size, zipfile.Allowed(size))
	if err != nil {
		return c, err
	}
	err = f.Walk(isOptimizer, func(o hdf5.Object) error {
		if !o.IsDataset() {
			return c.attributes(o)
		}
		if peers.Ignored(o.Path) {
			return nil
		}
		a, err := o.Read()
		if err == nil && !a.Type.Floating() {
			err = fmt.Errorf("dataset %q has elements of type %v; float16, float32 and float64 are weights", o.Path, a.Type)
		}
		c.Arrays = append(c.Arrays, peers.Array{Name: o.Path, Shape: a.Shape, Values: a.Values})
		c.datasets[o.Path] = a
		return err
	})
	return c, err
}

// attributes takes the configuration and the description, which the root of a file has.
func (c *kerasContent) attributes(o hdf5.Object) error {
	for name, to := range map[string]*[]byte{"model_config": &c.KerasConfig, descriptionKey: &c.description} {
		text, err := o.Text(name)
		if err != nil {
			return err
		}
		if len(text) > 0 {
			*to = []byte(text[0])
		}
	}
	return nil
}

// isOptimizer reports whether a group holds the state of training: "optimizer_weights" of a .h5 file, "optimizer" of a
// .weights.h5 file.
func isOptimizer(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return top == "optimizer_weights" || top == "optimizer"
}
