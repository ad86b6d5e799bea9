package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
)

// Environment is [host.Environment] with the version of libtorch and the instruction set that it
// uses.
func Environment() []string {
	p := autograd.ThisProcessor()
	return append(host.Environment(), "libtorch "+p.Libtorch+", which computes with "+p.Capability)
}
