package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
)

// Workers is the default number of threads that decode images for a device, as in [Options]. On the CPU they share the cores
// with the threads that compute; beside a GPU they have them to themselves.
func Workers(device string) int {
	if d, err := autograd.ParseDevice(device); err == nil && d != autograd.CPU {
		return host.GPUWorkers()
	}
	return host.Workers()
}
