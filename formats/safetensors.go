package formats

import (
	"encoding/binary"
	"fmt"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights"
)

// safetensors is the native format: arrays and, in the header's metadata, what is needed to use them.
// https://github.com/huggingface/safetensors#format
var safetensors = Format{
	Name:        "safetensors",
	Description: "arrays, with network, classes and preprocessing as metadata",
	Extensions:  []string{".safetensors"},
	Detect:      isSafetensors,
	Read:        readSafetensors,
	Write:       func(path string, w weights.Weights) error { return w.Write(path) },
}

// readSafetensors reads a file that describes itself: an export, best.safetensors or a checkpoint.
func readSafetensors(path string) (weights.Weights, error) {
	f, err := checkpoints.Read(path)
	if err != nil {
		return weights.Weights{}, err
	}
	w, err := weights.FromFile(f)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return w, nil
}

// maxSafetensorsHeader is the limit of the reference implementation on the length of the header.
const maxSafetensorsHeader = 100_000_000

// isSafetensors looks for the length of the header, 64 bits little-endian, and the begin of its JSON.
func isSafetensors(head []byte) bool {
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= maxSafetensorsHeader
}
