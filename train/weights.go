package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
)

// Weights is a trained network that needs nothing else to be used: its arrays, and in the file's metadata what they
// are weights of, the names of the classes, and how images are brought to it.
type Weights struct {
	Config     mobilenet.Config
	Classes    []string
	Preprocess data.Preprocess
	Arrays     []checkpoints.Array
	Meta       map[string]string // what else the file tells, such as the step and the accuracy
}

// The metadata entries that describe weights, each a JSON value.
const (
	metaModel      = "model"
	metaClasses    = "classes"
	metaPreprocess = "preprocess"
)

// ErrNoWeights is returned when a file or folder holds no weights that describe themselves.
var ErrNoWeights = errors.New("no weights of depthwise here")

// ReadWeights reads the weights of a file (best.safetensors, a checkpoint, an export) or of a run's folder: its
// best.safetensors, or its newest checkpoint where there is none yet.
func ReadWeights(path string) (Weights, error) {
	file, err := weightsFile(path)
	if err != nil {
		return Weights{}, err
	}
	f, err := checkpoints.Read(file)
	if err != nil {
		return Weights{}, err
	}
	w, err := weightsOf(f)
	if err != nil {
		return Weights{}, fmt.Errorf("train: %s: %w", file, err)
	}
	return w, nil
}

// weightsFile is the file that a path given as --weights means.
func weightsFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("train: weights: %w", err)
	}
	if !info.IsDir() {
		return path, nil
	}
	best := filepath.Join(path, bestFile)
	if _, err := os.Stat(best); err == nil {
		return best, nil
	}
	newest, _, _, err := checkpoints.Store{Dir: filepath.Join(path, checkpointFolder)}.Latest()
	if err != nil {
		return "", fmt.Errorf("train: %s: %w: neither %s nor a checkpoint; name a file or a run's folder", path, ErrNoWeights, bestFile)
	}
	return newest, nil
}

// weightsOf takes the weights out of a file; a checkpoint's other arrays have a '/' in their names.
func weightsOf(f checkpoints.File) (Weights, error) {
	w := Weights{Meta: map[string]string{}}
	for key, to := range map[string]any{metaModel: &w.Config, metaClasses: &w.Classes, metaPreprocess: &w.Preprocess} {
		text, ok := f.Meta[key]
		if !ok {
			return Weights{}, fmt.Errorf("%w: its metadata has no %q; it was written by another program", ErrNoWeights, key)
		}
		if err := json.Unmarshal([]byte(text), to); err != nil {
			return Weights{}, fmt.Errorf("its metadata %q: %w", key, err)
		}
	}
	for key, value := range f.Meta {
		if key != metaModel && key != metaClasses && key != metaPreprocess {
			w.Meta[key] = value
		}
	}
	for _, a := range f.Arrays {
		if !strings.Contains(a.Name, "/") {
			w.Arrays = append(w.Arrays, a)
		}
	}
	if len(w.Classes) != w.Config.Classes {
		return Weights{}, fmt.Errorf("its metadata names %d classes for a network of %d", len(w.Classes), w.Config.Classes)
	}
	if err := w.Config.Validate(); err != nil {
		return Weights{}, err
	}
	return w, w.Preprocess.Validate()
}

// file is the weights as a safetensors file: the arrays alone, described in the metadata.
func (w Weights) file() (checkpoints.File, error) {
	f := checkpoints.File{Arrays: w.Arrays, Meta: map[string]string{}}
	for key, value := range w.Meta {
		f.Meta[key] = value
	}
	for key, value := range map[string]any{metaModel: w.Config, metaClasses: w.Classes, metaPreprocess: w.Preprocess} {
		text, err := json.Marshal(value)
		if err != nil {
			return f, fmt.Errorf("train: weights: %s: %w", key, err)
		}
		f.Meta[key] = string(text)
	}
	return f, nil
}

// Write writes the weights as a self-describing safetensors file, atomically.
func (w Weights) Write(path string) error {
	f, err := w.file()
	if err != nil {
		return err
	}
	return checkpoints.Write(path, f)
}

// network is Network on a machine, with its kernels.
func (w Weights) network(s *autograd.Scope, m machine) (*mobilenet.Network, error) {
	n, err := w.Network(s, m.device)
	if n != nil {
		n.Kernels = m.kernels
	}
	return n, err
}

// Network builds the network on a device, as part of s.
func (w Weights) Network(s *autograd.Scope, dev autograd.Device) (*mobilenet.Network, error) {
	n := mobilenet.New(s, w.Config, 0)
	values := make(map[string][]float32, len(w.Arrays))
	for _, a := range w.Arrays {
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			return nil, fmt.Errorf("train: weights: %w", err)
		}
		values[a.Name] = v
	}
	if err := n.Load(s, values); err != nil {
		return nil, err
	}
	n.To(s, dev)
	return n, s.Err()
}
