package backend

import (
	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
)

// Workers is the default number of threads that decode images for a device, named as in [Options]. On the CPU they share the
// cores with the threads that compute; with a GPU they use the cores alone.
func Workers(device string) int {
	if d, err := autograd.ParseDevice(device); err == nil && d != autograd.CPU {
		return host.GPUWorkers()
	}
	return host.Workers()
}
