package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	Raw        []checkpoints.Array // where Arrays are a weight average: the weights that it is of; else nil
	Meta       map[string]string   // what else the file tells, such as the step and the accuracy
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
// best.safetensors, or its newest checkpoint where there is none yet. Of a run with a weight average it is the average; see
// [Weights.Plain].
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

// readWeights is ReadWeights, or the plain weights of those.
func readWeights(path string, raw bool) (Weights, error) {
	w, err := ReadWeights(path)
	if raw {
		w = w.Plain()
	}
	return w, err
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
	w.take(f.Arrays)
	if len(w.Classes) != w.Config.Classes {
		return Weights{}, fmt.Errorf("its metadata names %d classes for a network of %d", len(w.Classes), w.Config.Classes)
	}
	if err := w.Config.Validate(); err != nil {
		return Weights{}, err
	}
	return w, w.Preprocess.Validate()
}

// take sorts a file's arrays: a checkpoint has the network's under their names and a weight average of them under ema/, a
// weights file the average under the names and what it is of under raw/.
func (w *Weights) take(arrays []checkpoints.Array) {
	var average []checkpoints.Array
	for _, a := range arrays {
		switch folder, name, within := strings.Cut(a.Name, "/"); {
		case !within:
			w.Arrays = append(w.Arrays, a)
		case folder+"/" == averagePrefix:
			average = append(average, checkpoints.Array{Name: name, Data: a.Data})
		case folder+"/" == rawPrefix:
			w.Raw = append(w.Raw, checkpoints.Array{Name: name, Data: a.Data})
		}
	}
	if average != nil {
		w.Arrays, w.Raw = average, w.Arrays
	}
}

// Plain is the weights as training left them where w holds an average of them, else w itself.
func (w Weights) Plain() Weights {
	if w.Raw != nil {
		w.Arrays, w.Raw = w.Raw, nil
	}
	return w
}

// rawPrefix stands before the arrays of Raw in a weights file.
const rawPrefix = "raw/"

func renamed(arrays []checkpoints.Array, prefix string) []checkpoints.Array {
	list := make([]checkpoints.Array, len(arrays))
	for i, a := range arrays {
		list[i] = checkpoints.Array{Name: prefix + a.Name, Data: a.Data}
	}
	return list
}

// file is the weights as a safetensors file: the arrays, those that they average below them, described in the metadata.
func (w Weights) file() (checkpoints.File, error) {
	f := checkpoints.File{Arrays: append(slices.Clip(w.Arrays), renamed(w.Raw, rawPrefix)...), Meta: map[string]string{}}
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
