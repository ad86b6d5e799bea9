package formats

import (
	"bytes"

	"depthwise.dev/checkpoints"
	"depthwise.dev/weights"
)

// npz is NumPy's zip of .npy files. It has no metadata.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
var npz = Format{
	Name:        "npz",
	Description: "NumPy's archive, arrays alone",
	Extensions:  []string{".npz"},
	Detect:      isNPZ,
	Write:       func(path string, w weights.Weights) error { return checkpoints.WriteNPZ(path, w.Arrays) },
}

// isNPZ looks for a zip's first local header whose member is named *.npy.
func isNPZ(head []byte) bool {
	const nameLength, name = 26, 30 // offsets in the local header
	if len(head) < name || !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return false
	}
	end := name + int(head[nameLength]) + int(head[nameLength+1])<<8
	return end <= len(head) && bytes.HasSuffix(head[name:end], []byte(".npy"))
}
