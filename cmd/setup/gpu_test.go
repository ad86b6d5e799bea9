package main

import (
	"testing"
)

func TestGPUFindings(t *testing.T) {
	const h200 = `echo "NVIDIA H200, 143771 MiB, 9.0, 580.65.06"`
	tests := []struct {
		name    string
		program string // nvidia-smi; "": none
		cuda    bool
		want    []finding
	}{
		{"a GPU", h200, true, []finding{{Name: "GPU", Text: "0: NVIDIA H200, 143771 MiB, compute capability 9.0, driver 580.65.06"}}},
		{"two", h200 + "\n" + h200, true, []finding{{Name: "GPU", Text: "0: NVIDIA H200, 143771 MiB, compute capability 9.0, driver 580.65.06"},
			{Name: "GPU", Text: "1: NVIDIA H200, 143771 MiB, compute capability 9.0, driver 580.65.06"}}},
		{"libtorch without CUDA", h200, false, []finding{{Name: "GPU", Text: "0: NVIDIA H200, 143771 MiB, compute capability 9.0, driver 580.65.06",
			Warning: "0: NVIDIA H200, 143771 MiB, compute capability 9.0, driver 580.65.06; libtorch has no CUDA and does not use it: go run ./cmd/setup --cuda"}}},
		{"no driver", "", true, []finding{{Name: "GPU", Warning: `libtorch has CUDA, but there is no GPU: exec: "nvidia-smi": executable file not found in $PATH; ` + noGPUAdvice}}},
		{"the driver fails", `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`, true,
			[]finding{{Name: "GPU", Warning: "libtorch has CUDA, but there is no GPU: nvidia-smi: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.; " + noGPUAdvice}}},
		{"no GPU", `echo "No devices were found"`, true, []finding{{Name: "GPU", Warning: "libtorch has CUDA, but there is no GPU: nvidia-smi: No devices were found; " + noGPUAdvice}}},
		{"no output", "exit 0", true, []finding{{Name: "GPU", Warning: "libtorch has CUDA, but there is no GPU: nvidia-smi lists none; " + noGPUAdvice}}},
		{"neither", "", false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			programs := map[string]string{}
			if tt.program != "" {
				programs["nvidia-smi"] = tt.program
			}
			newFake(t, programs)
			got := gpuFindings(tt.cuda)
			if len(got) != len(tt.want) {
				t.Fatalf("%+v, want %+v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("%+v, want %+v", got[i], tt.want[i])
				}
			}
		})
	}
}
