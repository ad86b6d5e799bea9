//go:build interop

package interop

import (
	"slices"

	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

// row is an export that a client opens.
type row struct {
	format  string // a name of formats.All
	options formats.WriteOptions
	client  string // of clients/client_NAME.py, or [self]
	// takes selects the networks that the client opens; nil: all.
	takes func(weights.Weights) bool
	// refusal is part of the export's error for other networks; "": the format holds them, but this client has no code for them.
	refusal string
	// unnamed: the format has no place for the names of classes.
	unnamed bool
	// tolerance of the logits, 0: [Tolerance]. Larger where weights are stored in less than float32.
	tolerance float64
}

// self as a client reads the export back, which must give the same logits bit for bit.
const self = "depthwise"

// rows are ordered by client: the process of a client runs until its last row.
var rows = []row{
	{format: "safetensors", client: self},
	{format: "npz", client: self},
	{format: "safetensors", client: "safetensors", takes: either(variant("timm"), userBuilt)},
	{format: "npz", client: "numpy", takes: either(variant("timm"), userBuilt)},
}

// variant selects the networks of a publisher.
func variant(name string) func(weights.Weights) bool {
	return func(w weights.Weights) bool { return w.Config != nil && w.Config.Variant == name }
}

// arch selects the networks of an architecture.
func arch(name string) func(weights.Weights) bool {
	return func(w weights.Weights) bool { return w.Config != nil && w.Config.Arch == name }
}

// userBuilt selects graphs that are no MobileNet's.
func userBuilt(w weights.Weights) bool { return w.Config == nil }

// colored selects networks of images with three channels, which the others cannot normalize.
func colored(w weights.Weights) bool { return w.Graph.Input.Channels == 3 }

func either(of ...func(weights.Weights) bool) func(weights.Weights) bool {
	return func(w weights.Weights) bool {
		return slices.ContainsFunc(of, func(f func(weights.Weights) bool) bool { return f(w) })
	}
}

func both(a, b func(weights.Weights) bool) func(weights.Weights) bool {
	return func(w weights.Weights) bool { return a(w) && b(w) }
}
