package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
)

// Environment is [host.Environment] with the version of libtorch, the instruction set that it uses, and the GPUs.
func Environment() []string {
	p := autograd.ThisProcessor()
	return append(append(host.Environment(), "libtorch "+p.Libtorch+", which computes with "+p.Capability), autograd.CUDAEnvironment()...)
}
