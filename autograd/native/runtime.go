package native

// #include "native.h"
// #include "setup.h"
import "C"

// SetThreads sets the number of threads of libtorch's operations called from this OS thread.
func SetThreads(n int) error { return take(C.dw_set_threads(C.int(n))) }

// Threads is the number of threads that libtorch's operations use.
func Threads() int { return int(C.dw_threads()) }

// ManualSeed seeds the default generators of all devices.
func ManualSeed(seed uint64) error { return take(C.dw_manual_seed(C.uint64_t(seed))) }

// GeneratorState returns the state of the default generator of a GPU, or of the CPU for a negative device, as a new
// uint8 tensor.
func GeneratorState(device int) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_generator_state(&out, C.int(device)))
	return Tensor(out), err
}

// SetGeneratorState restores what GeneratorState returned.
func SetGeneratorState(device int, state Tensor) error {
	return take(C.dw_set_generator_state(C.int(device), C.dw_tensor(state)))
}

// MemoryAllocated is the size of live CPU tensors in bytes, counting blocks of 256 KB and more.
func MemoryAllocated() int64 { return int64(C.dw_memory_allocated()) }

// HasBF16 reports whether the processor multiplies bfloat16 in hardware.
func HasBF16() bool { return C.dw_has_bf16() != 0 }

// CPUCapability is what libtorch and oneDNN select their kernels by, such as "AVX512+bf16+amx".
func CPUCapability() string { return C.GoString(C.dw_cpu_capability()) }

// LibtorchVersion is the version that cmd/setup built against.
func LibtorchVersion() string { return C.DEPTHWISE_LIBTORCH_VERSION }
