package autograd

import (
	"fmt"
	"sync"

	"depthwise.dev/autograd/native"
	"depthwise.dev/internal/host"
)

// GPU describes a GPU.
type GPU struct {
	Device          Device `json:"-"`
	Name            string `json:"name"`       // such as NVIDIA H200
	Capability      string `json:"capability"` // compute capability, such as 9.0
	Multiprocessors int    `json:"multiprocessors"`
	Memory          int64  `json:"memory"` // bytes in total

	major, minor int
}

// String describes the GPU in a line.
func (g GPU) String() string {
	return fmt.Sprintf("%v %s, %s of memory, compute capability %s, %d multiprocessors", g.Device, g.Name, host.Size(float64(g.Memory)), g.Capability, g.Multiprocessors)
}

// GPUs lists the GPUs that CUDA_VISIBLE_DEVICES leaves. The error says why libtorch can use none; without CUDA or a GPU
// it is one too.
func GPUs() ([]GPU, error) {
	m := thisGPUs()
	return m.gpus, m.problem()
}

// GPUByDevice returns the GPU of a device; false for the CPU.
func GPUByDevice(d Device) (GPU, bool) {
	m := thisGPUs()
	if d < 0 || int(d) >= len(m.gpus) {
		return GPU{}, false
	}
	return m.gpus[d], true
}

// GPUMemory is the memory of a device in bytes.
type GPUMemory struct {
	Allocated int64 `json:"allocated"` // of live tensors
	Peak      int64 `json:"peak"`      // maximum of Allocated since the start or ResetPeakMemory
	Reserved  int64 `json:"reserved"`  // held by libtorch for tensors
	Free      int64 `json:"free"`      // of the GPU, for all processes
	Total     int64 `json:"total"`     // of the GPU
}

// DeviceMemory returns the memory of a GPU. Of the CPU it is zero: see [MemoryAllocated].
func DeviceMemory(d Device) (GPUMemory, error) {
	if d < 0 {
		return GPUMemory{}, nil
	}
	m, err := native.DeviceMemory(int(d))
	if err != nil {
		return GPUMemory{}, opError("memory of "+d.String(), nil, err)
	}
	return GPUMemory(m), nil
}

// ResetPeakMemory starts the peak of DeviceMemory anew. On the CPU it does nothing.
func ResetPeakMemory(d Device) error {
	if d < 0 {
		return nil
	}
	if err := native.ResetPeak(int(d)); err != nil {
		return opError("reset the peak of "+d.String(), nil, err)
	}
	return nil
}

// Synchronize waits until a GPU has finished what was started on it, and returns an error that occurred there. On the CPU
// operations are finished when they return.
func Synchronize(d Device) error {
	if d < 0 {
		return nil
	}
	if err := native.Synchronize(int(d)); err != nil {
		return opError("synchronize "+d.String(), nil, err)
	}
	return nil
}

// CUDAEnvironment describes the GPUs and the versions of CUDA, or why no GPU can be used, one fact per line. It is empty where
// there is neither a GPU nor a libtorch with CUDA.
func CUDAEnvironment() []string { return thisGPUs().environment() }

// FallbackNote says why the device "auto" is the CPU although there is a GPU or libtorch has CUDA; "" where nothing is
// unexpected.
func FallbackNote() string { return thisGPUs().fallbackNote() }

// thisGPUs probes this machine once: neither its GPUs nor CUDA_VISIBLE_DEVICES change for a process.
var thisGPUs = sync.OnceValue(func() gpus {
	m := gpus{status: native.ProbeCUDA(), system: host.FindNVIDIA()}
	m.visible, m.restricted = visibleDevices()
	if !m.status.Built {
		return m
	}
	m.kernels = parseArchitectures(native.BuildConfig())
	for n := range m.status.Count {
		p, err := native.Properties(n)
		if err != nil {
			m.status.Error, m.status.Message, m.gpus = -1, opError(fmt.Sprintf("properties of cuda:%d", n), nil, err).Error(), nil
			break
		}
		m.gpus = append(m.gpus, GPU{Device(n), p.Name, fmt.Sprintf("%d.%d", p.Major, p.Minor), p.Multiprocessors, p.Memory, p.Major, p.Minor})
	}
	return m
})
