package formats

import (
	"bytes"
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
}

// keras is Keras' zip of a configuration and a .weights.h5 file.
var keras = Format{
	Name:        "keras",
	Description: "Keras' models",
	Extensions:  []string{".keras"},
	Detect: func(head []byte) bool {
		return slices.Contains([]string{kerasMetadata, kerasConfig, kerasWeights}, firstMember(head))
	},
	Read: readKeras,
}

// Members of a .keras file.
const (
	kerasMetadata = "metadata.json"
	kerasConfig   = "config.json"
	kerasWeights  = "model.weights.h5"
)

func readH5(path string, o ReadOptions) (weights.Weights, error) {
	file, err := os.Open(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %w", err)
	}
	info, err := file.Stat()
	var s peers.State
	if err == nil {
		s, err = kerasState(file, info.Size())
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return fromPeer(path, s, o)
}

func readKeras(path string, o ReadOptions) (weights.Weights, error) {
	archive, err := zipfile.Open(path)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %w", err)
	}
	s, err := kerasMembers(archive)
	if err := errors.Join(err, archive.Close()); err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return fromPeer(path, s, o)
}

func kerasMembers(archive *zipfile.Archive) (peers.State, error) {
	content, err := archive.Read(kerasWeights)
	if err != nil {
		return peers.State{}, err
	}
	s, err := kerasState(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return s, fmt.Errorf("%s: %w", kerasWeights, err)
	}
	if archive.Has(kerasConfig) {
		s.KerasConfig, err = archive.Read(kerasConfig)
	}
	return s, err
}

// kerasState reads the arrays of an HDF5 file, but not those of an optimizer, and the model's configuration.
func kerasState(r io.ReaderAt, size int64) (peers.State, error) {
	s := peers.State{Keras: true}
	f, err := hdf5.Open(r, size, zipfile.Allowed(size))
	if err != nil {
		return s, err
	}
	err = f.Walk(isOptimizer, func(o hdf5.Object) error {
		if !o.IsDataset() {
			config, err := o.Text("model_config")
			if len(config) > 0 {
				s.KerasConfig = []byte(config[0])
			}
			return err
		}
		if peers.Ignored(o.Path) {
			return nil
		}
		a, err := o.Read()
		if err == nil && !a.Type.Floating() {
			err = fmt.Errorf("dataset %q has elements of type %v; float16, float32 and float64 are weights", o.Path, a.Type)
		}
		s.Arrays = append(s.Arrays, peers.Array{Name: o.Path, Shape: a.Shape, Values: a.Values})
		return err
	})
	return s, err
}

// isOptimizer reports whether a group holds the state of training: "optimizer_weights" of a .h5 file, "optimizer" of a
// .weights.h5 file.
func isOptimizer(path string) bool {
	top, _, _ := strings.Cut(path, "/")
	return top == "optimizer_weights" || top == "optimizer"
}
