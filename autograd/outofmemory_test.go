package autograd

import (
	"errors"
	"strings"
	"testing"
)

// TestOutOfMemory: the messages of libtorch 2.11 to 2.15 and of its libraries.
func TestOutOfMemory(t *testing.T) {
	const gib = 1 << 30
	tests := []struct {
		name, text string
		want       *OutOfMemoryError
		message    string
	}{
		{"a GPU", "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 1 has a total capacity of 139.80 GiB of which 12.50 GiB is free. " +
			"Including non-PyTorch memory, this process has 127.20 GiB memory in use. Of the allocated memory 126.00 GiB is allocated by PyTorch, and 512.00 MiB is reserved by PyTorch but unallocated.",
			&OutOfMemoryError{"cuda:1", 20 * gib, 125 * gib / 10, 1398 * gib / 10, 1272 * gib / 10},
			"out of memory on cuda:1: a tensor of 21.5 GB does not fit, 13.4 GB of 150 GB are free"},
		{"a GPU of others", "CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of 80.00 GiB of which 1.00 MiB is free. Process 17 has 78.00 GiB memory in use. " +
			"Including non-PyTorch memory, this process has 1.50 GiB memory in use.",
			&OutOfMemoryError{"cuda:0", 2 << 20, 1 << 20, 80 * gib, 3 * gib / 2},
			"out of memory on cuda:0: a tensor of 2.1 MB does not fit, 1.05 MB of 85.9 GB are free and other processes have 84.3 GB (nvidia-smi lists them)"},
		{"the CPU", "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 411041792 bytes. Error code 12 (Cannot allocate memory)",
			&OutOfMemoryError{Device: "cpu", Wanted: 411041792}, "out of memory: a tensor of 411 MB does not fit"},
		{"a context", "CUDA error: out of memory", &OutOfMemoryError{}, "out of memory"},
		{"cuBLAS", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", &OutOfMemoryError{}, "out of memory"},
		{"cuDNN", "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", &OutOfMemoryError{}, "out of memory"},
		{"C++", "std::bad_alloc", &OutOfMemoryError{}, "out of memory"},
		{"another error", "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", nil, ""},
		{"numbers that do not fit", "CUDA out of memory. Tried to allocate " + strings.Repeat("9", 400) + " GiB", &OutOfMemoryError{}, "out of memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parseOutOfMemory(tt.text)
			if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
				t.Fatalf("%+v, want %+v", got, tt.want)
			}
			if got != nil && got.Error() != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
		})
	}
}

// TestOpErrorText: nothing of libtorch's stack and of its advice for Python is shown, and memory that is used up has its type.
func TestOpErrorText(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"stack", "wrong shape\nException raised from check at x.cpp:1 (most recent call first):\nframe #0", "autograd: add(): wrong shape"},
		{"advice", "CUDA error: an illegal memory access was encountered\nSearch for `cudaErrorIllegalAddress' in https://docs.nvidia.com\nCUDA kernel errors might be asynchronously reported\nCompile with `TORCH_USE_CUDA_DSA`",
			"autograd: add(): CUDA error: an illegal memory access was encountered"},
		{"memory", "CUDA out of memory. Tried to allocate 20.00 MiB.\nException raised from malloc", "autograd: add(): out of memory: a tensor of 21 MB does not fit"},
	} {
		err := opError("add", nil, errors.New(tt.text))
		if err.Error() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, err, tt.want)
		}
		var memory *OutOfMemoryError
		if errors.As(err, &memory) != (tt.name == "memory") {
			t.Errorf("%s: the type of %v", tt.name, err)
		}
	}
}
