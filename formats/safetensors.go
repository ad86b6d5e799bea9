package formats

import (
	"encoding/binary"
	"fmt"
	"math"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// safetensors is the native format: arrays and, in the header's metadata, what is needed to use them. Without the
// metadata, the arrays are those of another tool.
// https://github.com/huggingface/safetensors#format
var safetensors = Format{
	Name:        "safetensors",
	Description: "arrays, with network, classes, preprocessing",
	Extensions:  []string{".safetensors"},
	Detect:      isSafetensors,
	Read:        readSafetensors,
	Write:       func(path string, w weights.Weights, _ WriteOptions) error { return w.Write(path) },
}

// readSafetensors reads a file that describes itself (an export, best.safetensors or a checkpoint), or one of another
// tool.
func readSafetensors(path string, o ReadOptions) (weights.Weights, error) {
	f, err := checkpoints.Read(path)
	if err != nil {
		return weights.Weights{}, err
	}
	return fromFile(path, f, o)
}

// fromFile takes the weights from arrays with metadata, or without metadata from those of another tool.
func fromFile(path string, f checkpoints.File, o ReadOptions) (weights.Weights, error) {
	if !weights.Described(f) {
		arrays, err := peerArrays(f.Arrays)
		if err != nil {
			return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
		}
		return fromPeer(path, peers.State{Arrays: arrays}, o)
	}
	return fromDescribed(path, f)
}

// peerArrays converts arrays to float32.
func peerArrays(arrays []checkpoints.Array) ([]peers.Array, error) {
	list := make([]peers.Array, len(arrays))
	for i, a := range arrays {
		values, err := floats32(a)
		if err != nil {
			return nil, err
		}
		list[i] = peers.Array{Name: a.Name, Shape: a.Data.Shape().Clone(), Values: values}
	}
	return list, nil
}

// floats32 are the numbers of an array. Integers are PyTorch's counters, which are left out later.
func floats32(a checkpoints.Array) ([]float32, error) {
	if values, err := checkpoints.Values[float32](a); err == nil {
		return values, nil
	}
	if wide, err := checkpoints.Values[float64](a); err == nil {
		values := make([]float32, len(wide))
		for i, v := range wide {
			if values[i] = float32(v); math.IsInf(float64(values[i]), 0) && !math.IsInf(v, 0) {
				return nil, fmt.Errorf("array %q: the float64 %g is beyond float32", a.Name, v)
			}
		}
		return values, nil
	}
	if peers.Ignored(a.Name) {
		return nil, nil
	}
	return nil, fmt.Errorf("array %q has elements of type %v; float16, bfloat16, float32 and float64 are weights", a.Name, a.Data.Dtype())
}

// maxSafetensorsHeader is the limit of the reference implementation on the length of the header.
const maxSafetensorsHeader = 100_000_000

// isSafetensors looks for the length of the header, 64 bits little-endian, and the begin of its JSON.
func isSafetensors(head []byte) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= maxSafetensorsHeader
}
