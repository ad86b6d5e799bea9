package formats

import (
	"bytes"
	"fmt"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/peers"
	"depthwise.dev/weights"
)

// npz is NumPy's zip of .npy files. It has no metadata.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
var npz = Format{
	Name:        "npz",
	Description: "NumPy's archive, arrays alone",
	Extensions:  []string{".npz"},
	Detect:      func(head []byte) bool { return strings.HasSuffix(firstMember(head), ".npy") },
	Read:        readNPZ,
	Write:       func(path string, w weights.Weights) error { return checkpoints.WriteNPZ(path, w.Arrays) },
}

func readNPZ(path string, o ReadOptions) (weights.Weights, error) {
	list, err := checkpoints.ReadNPZ(path)
	if err != nil {
		return weights.Weights{}, err
	}
	arrays, err := peerArrays(list)
	if err != nil {
		return weights.Weights{}, fmt.Errorf("formats: %s: %w", path, err)
	}
	return fromPeer(path, peers.State{Arrays: arrays}, o)
}

// firstMember is the name of a zip's first member, from its local header; "" if there is none.
func firstMember(head []byte) string {
	const nameLength, name = 26, 30 // offsets in the local header
	if len(head) < name || !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return ""
	}
	end := name + int(head[nameLength]) + int(head[nameLength+1])<<8
	if end > len(head) {
		return ""
	}
	return string(head[name:end])
}
