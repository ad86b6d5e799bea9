package native

// #include "device.h"
import "C"

// CUDAStatus is what CUDA says of this machine.
type CUDAStatus struct {
	Built           bool   // libtorch has CUDA
	Error           int    // cudaError_t of counting the GPUs; 0 is success
	Message         string // CUDA's text of the error
	Driver, Runtime int    // CUDA versions of the driver (0 without one) and of libtorch, 1000 * major + 10 * minor
	Count           int    // GPUs
}

// ProbeCUDA asks CUDA for its versions and the number of GPUs.
func ProbeCUDA() CUDAStatus {
	var c C.dw_cuda_status
	C.dw_cuda_probe(&c)
	return CUDAStatus{Built: c.built != 0, Error: int(c.error), Message: C.GoString(&c.message[0]), Driver: int(c.driver), Runtime: int(c.runtime), Count: int(c.count)}
}

// GPU are the properties of a GPU.
type GPU struct {
	Name            string
	Major, Minor    int // compute capability
	Multiprocessors int
	Memory          int64 // bytes in total
}

// Properties returns those of a GPU.
func Properties(device int) (GPU, error) {
	var c C.dw_gpu
	err := take(C.dw_cuda_properties(&c, C.int(device)))
	return GPU{Name: C.GoString(&c.name[0]), Major: int(c.major), Minor: int(c.minor), Multiprocessors: int(c.multiprocessors), Memory: int64(c.memory)}, err
}

// GPUMemory is the memory of a GPU in bytes: of live tensors, their peak, what libtorch holds for tensors, what is free for
// all processes, and in total.
type GPUMemory struct{ Allocated, Peak, Reserved, Free, Total int64 }

// DeviceMemory returns the memory of a GPU.
func DeviceMemory(device int) (GPUMemory, error) {
	var c C.dw_gpu_memory
	err := take(C.dw_cuda_memory(&c, C.int(device)))
	return GPUMemory{int64(c.allocated), int64(c.peak), int64(c.reserved), int64(c.free), int64(c.total)}, err
}

// ResetPeak starts the peak of a GPU's memory anew.
func ResetPeak(device int) error { return take(C.dw_cuda_reset_peak(C.int(device))) }

// Synchronize waits until a GPU has finished what was started on it.
func Synchronize(device int) error { return take(C.dw_cuda_synchronize(C.int(device))) }

// BuildConfig is libtorch's description of how it was built, with the GPUs that it has kernels for.
func BuildConfig() string {
	c := C.dw_build_config()
	defer C.dw_free_error(c)
	return C.GoString(c)
}
