package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights"
)

// npz is NumPy's zip of .npy files. What safetensors has as metadata is in the zip's comment, as one JSON object, which
// NumPy ignores.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
var npz = Format{
	Name:        "npz",
	Description: "NumPy's archive of arrays",
	Extensions:  []string{".npz"},
	Detect:      func(head []byte) bool { return strings.HasSuffix(firstMember(head), ".npy") },
	Read:        readNPZ,
	Write:       writeNPZ,
	Describes:   func(w weights.Weights) (bool, error) { comment, err := npzComment(w); return comment != "", err },
}

// writeNPZ writes the arrays, and the metadata where they fit into a comment: 64 kB, the names of 3,000 classes. With more,
// reading the file infers the network from the names of the arrays, and the names of the classes are lost. Weights beside an
// average are left out.
func writeNPZ(path string, w weights.Weights, _ WriteOptions) error {
	comment, err := npzComment(w)
	if err != nil {
		return fmt.Errorf("formats: %s: %w", path, err)
	}
	return checkpoints.WriteNPZWithComment(path, w.Arrays, comment)
}

// npzComment is the metadata as JSON, "" if it is too long for a comment.
func npzComment(w weights.Weights) (string, error) {
	w.Raw = nil
	f, err := w.File()
	if err != nil {
		return "", err
	}
	comment, err := json.Marshal(f.Meta)
	if err != nil {
		return "", fmt.Errorf("metadata: %w", err)
	}
	if len(comment) > checkpoints.MaxNPZComment {
		return "", nil
	}
	return string(comment), nil
}

func readNPZ(path string, o ReadOptions) (weights.Weights, error) {
	list, comment, err := checkpoints.ReadNPZ(path)
	if err != nil {
		return weights.Weights{}, err
	}
	f := checkpoints.File{Arrays: list}
	if json.Unmarshal([]byte(comment), &f.Meta) != nil {
		f.Meta = nil // a comment of another program
	}
	return fromFile(path, f, o)
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
