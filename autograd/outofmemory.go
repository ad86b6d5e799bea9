package autograd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"depthwise.dev/internal/host"
)

// OutOfMemoryError is returned if memory for a tensor could not be allocated. Existing tensors are unchanged, so that the
// program can continue with smaller ones.
type OutOfMemoryError struct {
	Device string // cpu or cuda:N; "": not known
	Wanted int64  // bytes of the tensor; this and the others are 0 where libtorch does not say
	Free   int64  // bytes that were free on the GPU
	Total  int64  // bytes of the GPU
	Own    int64  // bytes that this process has of them
}

// othersWorthNaming is the fraction of a GPU's memory that others must hold to be named as a cause; CUDA itself takes some.
const othersWorthNaming = 0.05

// Error says what was asked for, what was free, and who has the rest.
func (e *OutOfMemoryError) Error() string {
	text := "out of memory"
	if e.Device != "" && e.Device != "cpu" {
		text += " on " + e.Device
	}
	if e.Wanted > 0 {
		text += fmt.Sprintf(": a tensor of %s does not fit", host.Size(float64(e.Wanted)))
	}
	if e.Total > 0 {
		text += fmt.Sprintf(", %s of %s are free", host.Size(float64(e.Free)), host.Size(float64(e.Total)))
		if others := e.Others(); others > 0 {
			text += fmt.Sprintf(" and other processes have %s (nvidia-smi lists them)", host.Size(float64(others)))
		}
	}
	return text
}

// Others is the memory of the GPU that other processes have, 0 where it is little or not known.
func (e *OutOfMemoryError) Others() int64 {
	others := e.Total - e.Free - e.Own
	if e.Own == 0 || float64(others) < othersWorthNaming*float64(e.Total) {
		return 0
	}
	return others
}

// outOfMemoryTexts are the messages of libtorch, its libraries and the C++ library: c10/cuda/CUDACachingAllocator.cpp,
// c10/core/impl/alloc_cpu.cpp, cuBLAS, cuDNN, the CUDA runtime.
var outOfMemoryTexts = []string{"CUDA out of memory", "CUDA error: out of memory", "DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory",
	"CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "std::bad_alloc", "cudaErrorMemoryAllocation"}

const sizePattern = `(\d+(?:\.\d+)?) (bytes|KiB|MiB|GiB)`

var (
	wantedGPU = regexp.MustCompile(`[Tt]ried to allocate ` + sizePattern)
	wantedCPU = regexp.MustCompile(`you tried to allocate (\d+) bytes`)
	gpuState  = regexp.MustCompile(`GPU (\d+) has a total capacity of ` + sizePattern + ` of which ` + sizePattern + ` is free`)
	ownMemory = regexp.MustCompile(`this process has ` + sizePattern + ` memory in use`)
)

// parseOutOfMemory returns the error that a message of libtorch reports; nil if it reports another.
func parseOutOfMemory(text string) *OutOfMemoryError {
	found := false
	for _, known := range outOfMemoryTexts {
		found = found || strings.Contains(text, known)
	}
	if !found {
		return nil
	}
	e := &OutOfMemoryError{}
	if m := wantedGPU.FindStringSubmatch(text); m != nil {
		e.Wanted = parseSize(m[1], m[2])
	}
	if m := wantedCPU.FindStringSubmatch(text); m != nil {
		e.Device, e.Wanted = "cpu", parseSize(m[1], "bytes")
	}
	if m := gpuState.FindStringSubmatch(text); m != nil {
		e.Device, e.Total, e.Free = "cuda:"+m[1], parseSize(m[2], m[3]), parseSize(m[4], m[5])
	}
	if m := ownMemory.FindStringSubmatch(text); m != nil {
		e.Own = parseSize(m[1], m[2])
	}
	return e
}

// parseSize returns the bytes of a number with a binary unit.
func parseSize(number, unit string) int64 {
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	factor := map[string]float64{"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[unit]
	return int64(min(value*factor, 1<<62))
}
