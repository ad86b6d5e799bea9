// Package weights holds trained weights that describe themselves: arrays, the network that they
// belong to, the names of its classes and its preprocessing. It needs no libtorch; package backend
// makes a network of tensors from them.
package weights

import (
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// Weights are all that is needed to use a trained network.
type Weights struct {
	Graph *models.Graph
	// Config is the MobileNet that Graph was built from; nil of a graph that the caller built.
	Config     *mobilenet.Config
	Classes    []string // in the order of the logits
	Preprocess data.Preprocess
	Arrays     []checkpoints.Array
	Raw        []checkpoints.Array // where Arrays are a weight average: the last weights of training; else nil
	Meta       map[string]string   // other metadata of the file, such as step and accuracy
}

// Plain returns the last weights of training where w holds their average, else w itself.
func (w Weights) Plain() Weights {
	if w.Raw != nil {
		w.Arrays, w.Raw = w.Raw, nil
	}
	return w
}
