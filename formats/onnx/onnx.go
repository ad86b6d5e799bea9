// Package onnx writes trained networks as ONNX models: opset 17, float32, a dynamic batch dimension. It needs no libtorch.
// https://onnx.ai
package onnx

import (
	"fmt"
	"io"
	"math"

	"depthwise.dev/formats/deploy"
	"depthwise.dev/internal/protobuf"
)

// Options are the options of [Encode].
type Options struct {
	// Uint8Input: the input is pixels, uint8 of (N, H, W, 3) in RGB order, which the model normalizes. Otherwise it is
	// normalized float32 of (N, C, H, W).
	Uint8Input bool
	// Float16 stores the weights of convolutions and linear layers as float16. Cast nodes widen them.
	Float16 bool
	// Version of this program, for the model's producer_version.
	Version string
	// Metadata are entries of metadata_props, beside those that Encode adds: see [metadata].
	Metadata map[string]string
}

// maxSize is the limit of protobuf on a message, 2 GiB, in bytes.
// https://protobuf.dev/programming-guides/proto-limits/#total
const maxSize = math.MaxInt32

// Model is an encoded network.
type Model struct{ message protobuf.Message }

// Encode makes the model of a network. The arrays are not copied: they must not change before Write. It fails for models of
// more than 2 GiB, for float16 weights beyond 65504, and for pixels as the input of a network without three channels.
func Encode(n deploy.Network, o Options) (Model, error) {
	g, err := build(n, o)
	if err != nil {
		return Model{}, err
	}
	m := model{version: o.Version, doc: describe(n), graph: g, metadata: metadata(n, o)}.encode()
	if size := m.Size(); size > maxSize {
		return Model{}, fmt.Errorf("onnx: the model would have %d bytes, and ONNX files have at most %d: use --format safetensors", size, maxSize)
	}
	return Model{m}, nil
}

// Write writes the model as a file has it.
func (m Model) Write(w io.Writer) error {
	return m.message.Write(w)
}
