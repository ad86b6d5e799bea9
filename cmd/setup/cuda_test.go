package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCUDAFlags: sources of the folder cuda get CUDA's headers, all others nothing.
func TestCUDAFlags(t *testing.T) {
	tests := []struct {
		name, source string
		folders      []string
		want         string
	}{
		{"the folder", "cuda/graph.cc", []string{"a", "b"}, "-DDEPTHWISE_CUDA=1 -isystem a -isystem b"},
		{"another folder", "tensors/runtime.cc", []string{"a"}, ""},
		{"libtorch without CUDA", "cuda/graph.cc", nil, ""},
	}
	for _, tt := range tests {
		if got := strings.Join(cudaFlags(tt.source, tt.folders), " "); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestCUDAHeaders: the headers are those beside PyTorch, and a toolkit's where those lack some.
func TestCUDAHeaders(t *testing.T) {
	noToolkit(t)
	all := []string{"cuda_runtime_api.h", "crt/host_defines.h", "nv/target"}
	tests := []struct {
		name     string
		folders  map[string][]string // files by the folder below that of packages or toolkit
		home     bool                // CUDA_HOME names the toolkit
		want     []string
		complete bool
	}{
		{"wheel of CUDA 13", map[string][]string{"nvidia/cu13/include": all[:1]}, false, []string{"nvidia/cu13/include"}, false},
		{"with the packages of the other headers", map[string][]string{"nvidia/cu13/include": all}, false, []string{"nvidia/cu13/include"}, true},
		{"with NCCL", map[string][]string{"nvidia/cu13/include": all, "nvidia/nccl/include": {"nccl.h"}}, false, []string{"nvidia/cu13/include", "nvidia/nccl/include"}, true},
		{"wheel of CUDA 12", map[string][]string{"nvidia/cuda_runtime/include": all}, false, []string{"nvidia/cuda_runtime/include"}, true},
		{"wheels of CUDA 12 and its libraries", map[string][]string{"nvidia/cuda_runtime/include": all, "nvidia/cublas/include": {"cublas_v2.h"}, "nvidia/cusparse/include": {"cusparse.h"}, "nvidia/cudnn/include": {"cudnn.h"}},
			false, []string{"nvidia/cuda_runtime/include", "nvidia/cublas/include", "nvidia/cusparse/include"}, true},
		{"toolkit of CUDA 12", map[string][]string{"include": all}, true, []string{"include"}, true},
		{"toolkit of CUDA 13", map[string][]string{"include": all[:2], "include/cccl": all[2:]}, true, []string{"include", "include/cccl"}, true},
		{"wheel and toolkit", map[string][]string{"nvidia/cu13/include": all[:1], "include": all}, true, []string{"nvidia/cu13/include", "include"}, true},
		{"nothing", nil, true, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.home {
				t.Setenv("CUDA_HOME", dir)
			}
			for folder, files := range tt.folders {
				for _, name := range files {
					writeFile(t, filepath.Join(dir, folder, name), "")
				}
			}
			var want []string
			for _, folder := range tt.want {
				want = append(want, filepath.Join(dir, folder))
			}
			got, complete, err := findHeaders(libtorch{Dir: filepath.Join(dir, "torch"), CUDA: true})
			if !slices.Equal(got, want) || complete != tt.complete {
				t.Errorf("%q, complete %v, want %q, %v", got, complete, want, tt.complete)
			}
			if tt.want == nil {
				wantError(t, err, "cuda_runtime_api.h", filepath.Join(dir, "include"), "CUDA_HOME")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// noToolkit removes toolkits from the environment, and skips the test on a machine with one in /usr/local/cuda.
func noToolkit(t *testing.T) {
	t.Helper()
	t.Setenv("CUDA_PATH", "")
	t.Setenv("CUDA_HOME", "")
	if folders, _, err := findHeaders(libtorch{Dir: filepath.Join(t.TempDir(), "torch"), CUDA: true}); err == nil {
		t.Skipf("this machine has a CUDA toolkit in %s", folders[0])
	}
}

// TestMissingHeaders: headers that packages and toolkits lack are downloaded; without a network the error says what else helps.
func TestMissingHeaders(t *testing.T) {
	noToolkit(t)
	s, _ := newFake(t, map[string]string{"python3": pipScript + copyWheel})
	lockCache(t, s)
	torch := libtorch{Dir: filepath.Join(t.TempDir(), "torch"), CUDA: true}
	beside := filepath.Join(filepath.Dir(torch.Dir), "nvidia/cu13/include")
	writeFile(t, filepath.Join(beside, "cuda_runtime_api.h"), "")

	t.Setenv("WHEEL", "/nonexistent")
	_, err := s.cudaHeaders(torch)
	wantError(t, err, "crt/host_defines.h and nv/target", "pip could not download headers of CUDA", "CUDA_HOME")

	t.Setenv("WHEEL", fakeWheel(t, map[string]string{"nvidia/cu13/include/crt/host_defines.h": "h", "nvidia/cu13/include/nv/target": "t"}))
	got, err := s.cudaHeaders(torch)
	if err != nil || len(got) != 2 || got[0] != beside || readFile(t, filepath.Join(got[1], "nv/target")) != "t" {
		t.Errorf("%q, error %v", got, err)
	}
	if got, err := s.cudaHeaders(libtorch{Dir: torch.Dir}); got != nil || err != nil {
		t.Errorf("without CUDA: %q, error %v", got, err)
	}
}
