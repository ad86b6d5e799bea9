package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCUDAFlags: sources of the folder cuda get CUDA's headers from beside PyTorch, from a toolkit, or an error; all others
// get nothing.
func TestCUDAFlags(t *testing.T) {
	tests := []struct {
		name   string
		header string // relative to the folder of site-packages or toolkit
		home   bool   // CUDA_HOME names the toolkit
		source string
		cuda   bool
		want   string // the folder of the headers; "": no flags
	}{
		{"wheel of CUDA 13", "nvidia/cu13/include", false, "cuda/graph.cc", true, "nvidia/cu13/include"},
		{"wheel of CUDA 12", "nvidia/cuda_runtime/include", false, "cuda/graph.cc", true, "nvidia/cuda_runtime/include"},
		{"toolkit", "include", true, "cuda/graph.cc", true, "include"},
		{"another folder", "nvidia/cu13/include", false, "tensors/runtime.cc", true, ""},
		{"libtorch without CUDA", "nvidia/cu13/include", false, "cuda/graph.cc", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("CUDA_PATH", "")
			t.Setenv("CUDA_HOME", "")
			if tt.home {
				t.Setenv("CUDA_HOME", dir)
			}
			writeFile(t, filepath.Join(dir, tt.header, "cuda_runtime_api.h"), "")
			got, err := cudaFlags(libtorch{Dir: filepath.Join(dir, "torch"), CUDA: tt.cuda}, tt.source)
			var want []string
			if tt.want != "" {
				want = []string{"-DDEPTHWISE_CUDA=1", "-isystem", filepath.Join(dir, tt.want)}
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%q, error %v, want %q", got, err, want)
			}
		})
	}
}

// TestCUDAHeadersMissing names the header and the folders.
func TestCUDAHeadersMissing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CUDA_PATH", "")
	t.Setenv("CUDA_HOME", dir)
	_, err := cudaHeaders(libtorch{Dir: filepath.Join(dir, "torch"), CUDA: true})
	if err == nil {
		t.Skip("this machine has a CUDA toolkit in /usr/local/cuda")
	}
	for _, part := range []string{"cuda_runtime_api.h", filepath.Join(dir, "include"), "CUDA_HOME"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}
