package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cudaFolder holds the sources of autograd/native that use CUDA where libtorch has it, and compile without it elsewhere.
const cudaFolder = "cuda/"

// cudaHeadersFolder is the name prefix of the cache folder of missingHeaders.
const cudaHeadersFolder = "cuda-headers-"

// cudaFlags are the compiler flags of a source, given the folders of CUDA's headers: the sources of cudaFolder define
// DEPTHWISE_CUDA and include the headers. Without folders libtorch has no CUDA.
func cudaFlags(source string, folders []string) []string {
	if len(folders) == 0 || !strings.HasPrefix(filepath.ToSlash(source), cudaFolder) {
		return nil
	}
	flags := []string{"-DDEPTHWISE_CUDA=1"}
	for _, dir := range folders {
		flags = append(flags, "-isystem", dir)
	}
	return flags
}

// cudaHeaders returns the folders of CUDA's headers for a libtorch: nil if it has no CUDA. What neither the packages beside
// PyTorch nor a toolkit has is downloaded to the cache.
func (s *setup) cudaHeaders(t libtorch) ([]string, error) {
	if !t.CUDA {
		return nil, nil
	}
	folders, complete, err := findHeaders(t)
	if err != nil || complete {
		return folders, err
	}
	p := missingHeaders
	dir, err := s.cachedFolder(cudaHeadersFolder+p.key(), func(dir string) ([]string, []string, error) { return nil, p.requiredFiles(), s.fetch(p, dir) })
	if err != nil {
		return nil, fmt.Errorf("libtorch in %s has CUDA, but the headers crt/host_defines.h and nv/target of CUDA are missing; set CUDA_HOME to a CUDA toolkit, "+
			"or let setup download them: %w", t.Dir, err)
	}
	return append(folders, filepath.Join(dir, "nvidia", "cu13", "include")), nil
}

// findHeaders returns the folders of CUDA's headers, and whether they are complete: those of the packages that PyTorch's wheel
// depends on, which are beside it, and those of a toolkit for what they lack.
func findHeaders(t libtorch) (folders []string, complete bool, err error) {
	candidates, err := headerFolders(t)
	if err != nil {
		return nil, false, err
	}
	complete = true
	for _, header := range []string{"cuda_runtime_api.h", "crt/host_defines.h", "nv/target"} {
		i := indexWith(candidates, header)
		switch {
		case i < 0 && folders == nil:
			return nil, false, fmt.Errorf("libtorch in %s has CUDA, but its header %s is in none of %s; set CUDA_HOME to a CUDA toolkit, or install PyTorch with pip, which brings the headers",
				t.Dir, header, strings.Join(candidates, ", "))
		case i < 0:
			complete = false
		case !slices.Contains(folders, candidates[i]):
			folders = append(folders, candidates[i])
		}
	}
	// In folders of their own in packages of CUDA 12; nccl.h in those of both, and without it only groups of several GPUs are missing.
	for _, header := range []string{"cublas_v2.h", "cusparse.h", "cusolverDn.h", "nccl.h"} {
		if i := indexWith(candidates, header); i >= 0 && !slices.Contains(folders, candidates[i]) {
			folders = append(folders, candidates[i])
		}
	}
	return folders, complete, nil
}

// indexWith returns the place of the first folder that has a file; -1: none has it.
func indexWith(folders []string, name string) int {
	return slices.IndexFunc(folders, func(dir string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil })
}

// headerFolders lists where headers of CUDA may be.
func headerFolders(t libtorch) ([]string, error) {
	var folders []string
	for _, pattern := range []string{"cu*[0-9]/include", "cuda_runtime/include", "cu[bs]*/include", "nccl/include"} { // CUDA 13; CUDA 12, with its libraries; both
		found, err := filepath.Glob(filepath.Join(filepath.Dir(cmp.Or(t.Target, t.Dir)), "nvidia", pattern))
		if err != nil {
			return nil, err
		}
		folders = append(folders, found...)
	}
	for _, dir := range []string{os.Getenv("CUDA_HOME"), os.Getenv("CUDA_PATH"), "/usr/local/cuda"} {
		if dir != "" {
			folders = append(folders, filepath.Join(dir, "include"), filepath.Join(dir, "include", "cccl"))
		}
	}
	return folders, nil
}
