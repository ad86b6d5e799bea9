package onnx

import (
	"cmp"
	"fmt"

	"depthwise.dev/internal/protobuf"
)

// names are the names of values and nodes that are taken. ONNX has one namespace for inputs, weights and results; layers
// and arrays have one each, and activations may share a name.
type names map[string]bool

// take returns a free name: the wanted one, or the next of name_1, name_2, ... Dots, slashes and letters of any script are
// allowed in names, invalid UTF-8 is not.
func (n names) take(wanted string) string {
	wanted = cmp.Or(protobuf.ValidText(wanted), "unnamed") // an empty name means a missing input
	name := wanted
	for i := 1; n[name]; i++ {
		name = fmt.Sprintf("%s_%d", wanted, i)
	}
	n[name] = true
	return name
}
