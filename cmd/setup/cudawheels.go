package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// pinnedCUDAWheel is the Source of the libtorch that setup --cuda downloads.
const pinnedCUDAWheel = "the pinned wheel with CUDA"

// headerWheels hold headers of CUDA that PyTorch's wheel does not depend on, but the headers of libtorch include:
// crt/host_defines.h and nv/target. They fit CUDA 12 and 13: libtorch 2.11 with CUDA 13.0 compiles with them.
var headerWheels = []wheel{
	{"nvidia-cuda-crt", "13.2.86", "e3ab08801bf9b1e6dc979275d25e816bb5000521b648e19c324d5eef0c79f1da", "manylinux_2_17_x86_64", 133_300},
	{"nvidia-cuda-cccl", "13.2.86", "35da671cf0cecd3539da214a11bb8e7634366c9e950da9c5feecf6c490a65b20", "manylinux_2_17_x86_64", 3_600_135},
}

// headerFiles are the patterns of their headers.
var headerFiles = []string{"nvidia/cu13/include/crt/*", "nvidia/cu13/include/nv/*", "nvidia/cu13/include/nv/detail/*"}

// missingHeaders is the download of headerWheels alone.
var missingHeaders = platform{What: "headers of CUDA", Wheels: headerWheels, Whole: true, Unpacked: 2_000_000,
	Keep: append([]string{"nvidia/cu13/include/crt/host_defines.h", "nvidia/cu13/include/nv/target"}, headerFiles...)}

// cudaPlatforms lists the platforms that setup can download libtorch with CUDA for: the pinned wheel of PyTorch, and the
// wheels that its metadata requires, without those for Python. The libraries stay where the wheels have them, since they
// find each other by relative paths. On the CPU only they have been run with this version.
var cudaPlatforms = map[string]platform{
	"linux/amd64": {
		What: "libtorch " + torchVersion + " with CUDA 13.2",
		Wheels: append([]wheel{
			{"torch", torchVersion, "6d8c86f4e33a9f12a58149bd9b0d64351632b8eb44479be8ff85e5389932dd79", "manylinux_2_28_x86_64", 539_172_785},
			{"nvidia-cudnn-cu13", "9.26.0.51", "9c976d539786698c71d6bcdbe2053b7485fae062ff7e1215d2f2ff67b1a2149a", "manylinux_2_27_x86_64", 519_150_073},
			{"nvidia-cublas", "13.4.1.3", "a5917cb642cfb07f4a0231ee16aec7e2e0357d8cb8b1b78a0c9c68dba3e6afc7", "manylinux_2_27_x86_64", 404_870_805},
			{"nvidia-cusolver", "12.2.0.11", "fab5778f6769947389a1a6abc07e635576825a08c0ffc68c3ae7f1392c794b42", "manylinux_2_27_x86_64", 227_913_465},
			{"nvidia-cufft", "12.2.0.57", "34da27fadf3979b0b042c43823f0530be8408b86df31ee0108e1ca0b621d4ef6", "manylinux_2_17_x86_64", 218_258_101},
			{"nvidia-nccl-cu13", "2.30.7", "cefa7fdb9710efd0f39c5f1be1d61ff6fc9a996c451265bd7fbdcf9455ed4b50", "manylinux_2_18_x86_64", 215_965_170},
			{"nvidia-cusparselt-cu13", "0.8.1", "786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0", "manylinux2014_x86_64", 170_148_586},
			{"nvidia-cusparse", "12.7.10.12", "25907c75e4db1581685f06f61cc6cdecc04611765516a52373e0a18ebd69fa00", "manylinux_2_17_x86_64", 150_999_307},
			{"nvidia-nvshmem-cu13", "3.7.2", "b9a4f843c62b5dded8ad33fd6d220e007dcd39f06cee549292f5ba14ce4c235c", "manylinux_2_17_x86_64", 135_397_797},
			{"nvidia-cuda-nvrtc", "13.2.86", "8111c5130e967b78222ea2124145f8efe9ce201b752b2579a2513100a53be1c5", "manylinux_2_12_x86_64", 47_018_468},
			{"nvidia-nvjitlink", "13.5.37", "280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb", "manylinux_2_12_x86_64", 46_642_491},
			{"nvidia-cuda-cupti", "13.2.86", "8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586", "manylinux_2_25_x86_64", 11_988_600},
			{"nvidia-cuda-runtime", "13.2.86", "3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0", "manylinux_2_17_x86_64", 2_323_576},
			{"nvidia-cufile", "1.17.1.22", "87feaf8c3ad20d3d03a01933181801ff6892bace5c8f0b1e4b48f319d3e62d36", "manylinux_2_27_x86_64", 1_387_670},
		}, headerWheels...),
		Keep: append([]string{
			"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp*",
			"torch/lib/libtorch_cuda.so", "torch/lib/libc10_cuda.so", "torch/lib/libtorch_nvshmem.so",
			"torch/lib/libtorch_cuda_linalg.so", "torch/lib/libcaffe2_nvrtc.so", // opened at run time
			"nvidia/cudnn/lib/lib*", "nvidia/cusparselt/lib/lib*", "nvidia/nccl/lib/libnccl.so*", "nvidia/nvshmem/lib/libnvshmem_host.so*",
			"nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13", "nvidia/cu13/lib/libcublas.so.13", "nvidia/cu13/lib/libcublasLt.so.13",
			"nvidia/cu13/lib/libcufft.so.12", "nvidia/cu13/lib/libcufile.so.0", "nvidia/cu13/lib/libcusparse.so.12", "nvidia/cu13/lib/libcusolver.so.12",
			"nvidia/cu13/lib/libnvJitLink.so.13", "nvidia/cu13/lib/libnvrtc.so.13", "nvidia/cu13/lib/libnvrtc-builtins.so*",
			"nvidia/cu13/include/*", "nvidia/nccl/include/nccl*",
		}, headerFiles...),
		Whole: true, Unpacked: 3_900_000_000,
	},
}

// thisCUDAPlatform returns the platform of this machine with CUDA.
func thisCUDAPlatform() (platform, error) {
	name := runtime.GOOS + "/" + runtime.GOARCH
	p, ok := cudaPlatforms[name]
	if !ok {
		return p, fmt.Errorf("no libtorch wheel with CUDA is pinned for %s; install a PyTorch with CUDA and set LIBTORCH_USE_PYTORCH=1 instead of --cuda", name)
	}
	return p, nil
}

// cudaWheel is the pinned libtorch with CUDA in the cache; it may not be downloaded yet.
func (s *setup) cudaWheel() (libtorch, error) {
	p, err := thisCUDAPlatform()
	if err != nil {
		return libtorch{}, err
	}
	name := "libtorch-cuda-" + torchVersion + "-" + p.key()
	return libtorch{Dir: filepath.Join(s.cache, name, "torch"), Version: torchVersion, Source: pinnedCUDAWheel, ID: name, CUDA: true}, nil
}

// choseCUDA reports whether the last set-up of this checkout was with --cuda. Every make target runs setup, so it keeps to
// that choice.
func (s *setup) choseCUDA() bool {
	text, err := os.ReadFile(filepath.Join(s.repo, "autograd", "native", "setup.h"))
	return err == nil && strings.Contains(string(text), "// "+pinnedCUDAWheel+"\n")
}

// cudaConflict returns an error if the environment selects another libtorch than --cuda.
func cudaConflict() error {
	for _, name := range []string{"LIBTORCH", "LIBTORCH_USE_PYTORCH"} {
		if value := os.Getenv(name); value != "" && (value != "0" || name == "LIBTORCH") {
			return fmt.Errorf("--cuda downloads libtorch, but %s=%s selects another; unset %s, or leave out --cuda", name, value, name)
		}
	}
	return nil
}
