package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// cudaFolder holds the sources of autograd/native that use CUDA where libtorch has it, and compile without it elsewhere.
const cudaFolder = "cuda/"

// cudaFlags are the compiler flags of a source: with a libtorch that has CUDA, the sources of cudaFolder define
// DEPTHWISE_CUDA and include CUDA's headers.
func cudaFlags(t libtorch, source string) ([]string, error) {
	if !t.CUDA || !strings.HasPrefix(filepath.ToSlash(source), cudaFolder) {
		return nil, nil
	}
	headers, err := cudaHeaders(t)
	if err != nil {
		return nil, err
	}
	return []string{"-DDEPTHWISE_CUDA=1", "-isystem", headers}, nil
}

// cudaHeaders returns the folder of CUDA's headers: the packages that PyTorch's wheel depends on, which are beside it, or
// else a CUDA toolkit.
func cudaHeaders(t libtorch) (string, error) {
	const header = "cuda_runtime_api.h"
	var folders []string
	for _, pattern := range []string{"cu*/include", "cuda_runtime/include"} { // CUDA 13; CUDA 12
		found, err := filepath.Glob(filepath.Join(filepath.Dir(cmp.Or(t.Target, t.Dir)), "nvidia", pattern))
		if err != nil {
			return "", err
		}
		folders = append(folders, found...)
	}
	for _, name := range []string{"CUDA_HOME", "CUDA_PATH"} {
		if dir := os.Getenv(name); dir != "" {
			folders = append(folders, filepath.Join(dir, "include"))
		}
	}
	for _, dir := range append(folders, "/usr/local/cuda/include") {
		if _, err := os.Stat(filepath.Join(dir, header)); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("libtorch in %s has CUDA, but its header %s is in none of %s; set CUDA_HOME to a CUDA toolkit, or install PyTorch with pip, which brings the headers",
		t.Dir, header, strings.Join(append(folders, "/usr/local/cuda/include"), ", "))
}
