// Package weights reads and writes self-describing trained weights: arrays with the network that
// they belong to, its class names and its preprocessing. It needs no libtorch; package backend
// creates a network of tensors from them.
package weights

import (
	"fmt"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// Weights is a trained network with everything needed to use it.
type Weights struct {
	Graph *models.Graph
	// Config is the MobileNet that Graph was built from; nil for a graph that the caller built.
	Config     *mobilenet.Config
	Classes    []string // in the order of the logits
	Preprocess data.Preprocess
	Arrays     []checkpoints.Array
	Raw        []checkpoints.Array // the last weights of training if Arrays are a weight average; else nil
	Meta       map[string]string   // other metadata of the file, such as step and accuracy
	// Origin says in a line what was inferred about the weights of another program; "" for those that describe themselves.
	Origin string
}

// Plain returns the last weights of training if w is their average, else w.
func (w Weights) Plain() Weights {
	if w.Raw != nil {
		w.Arrays, w.Raw = w.Raw, nil
	}
	return w
}

// Values returns the values of Arrays by their names, without a copy. Arrays of another type than float32 are an error.
func (w Weights) Values() (map[string][]float32, error) {
	values := make(map[string][]float32, len(w.Arrays))
	for _, a := range w.Arrays {
		v, err := checkpoints.Values[float32](a)
		if err != nil {
			return nil, fmt.Errorf("weights: %w", err)
		}
		values[a.Name] = v
	}
	return values, nil
}
