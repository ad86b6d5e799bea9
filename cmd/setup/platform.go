package main

import (
	"cmp"
	"fmt"
	"runtime"
)

// torchVersion is the version of libtorch that setup downloads; oldestVersion and newestVersion
// limit those that it can adapt gotch to.
const (
	torchVersion  = "2.15.0"
	oldestVersion = "2.11"
	newestVersion = "2.15"
)

// wheel is a pinned file of the package index.
type wheel struct {
	Name, Version, SHA256 string
	Platform              string // the file's platform tag
	Bytes                 int64  // size of the file, for the progress bar
}

// platform lists the files of libtorch for an operating system and architecture.
type platform struct {
	What     string   // the download, for messages; "": libtorch
	Wheels   []wheel  // libtorch first, then the libraries that it loads
	Keep     []string // path.Match patterns of the files to unpack besides torch/include
	Whole    bool     // the files keep their paths below the folder; otherwise they are in include/ and lib/
	Unpacked int64    // size of the unpacked files in bytes; 0: unpackedBytes
}

// name is the download in messages.
func (p platform) name() string { return cmp.Or(p.What, "libtorch "+torchVersion) }

// platforms lists the platforms that setup can download libtorch for. Only linux/amd64 has been
// tested. Other platforms need LIBTORCH or LIBTORCH_USE_PYTORCH=1.
//
// The wheels are those of Python 3.12. They serve every Python, because setup uses their C++ files
// only.
var platforms = map[string]platform{
	"linux/amd64": {
		Wheels: []wheel{
			{"torch", torchVersion, "6d8c86f4e33a9f12a58149bd9b0d64351632b8eb44479be8ff85e5389932dd79", "manylinux_2_28_x86_64", 539_172_785},
			// libtorch_cpu.so of the wheel loads libcudart.so.13 and libcupti.so.13 even without a
			// GPU. Its metadata requires cuda-toolkit 13.2.2.
			{"nvidia-cuda-runtime", "13.2.86", "3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0", "manylinux_2_17_x86_64", 2_323_576},
			{"nvidia-cuda-cupti", "13.2.86", "8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586", "manylinux_2_25_x86_64", 11_988_600},
		},
		Keep: []string{
			"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp*",
			"nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13",
		},
	},
	"linux/arm64": {
		Wheels: []wheel{
			{"torch", torchVersion, "9e51cf9460c5441dcd2a4f31ece207e35ea7c3d2535be0f929cca4944e2eeb18", "manylinux_2_28_aarch64", 483_664_949},
			{"nvidia-cuda-runtime", "13.2.86", "37844957894bfdecf90243568d21a2cb251b66106915b71459a23c8e6ef2da69", "manylinux_2_17_aarch64", 2_341_433},
			{"nvidia-cuda-cupti", "13.2.86", "d9a5c133f73fcb9013f3ada0da6fb54d4117618d81f3f5a0419417ea6ee829d4", "manylinux_2_25_aarch64", 11_760_263},
		},
		Keep: []string{
			"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp*", "torch/lib/libarm_compute*", "torch/lib/libnvpl_*",
			"nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcupti.so.13",
		},
	},
	"darwin/arm64": {
		Wheels: []wheel{
			{"torch", torchVersion, "593e5fd0c204284890d1c3dff643be34e549e1d24523e13402510f960d4da438", "macosx_14_0_arm64", 138_558_517},
		},
		Keep: []string{"torch/lib/libtorch_cpu.dylib", "torch/lib/libc10.dylib", "torch/lib/libomp.dylib"},
	},
}

// thisPlatform returns the platform of this machine.
func thisPlatform() (platform, error) {
	name := runtime.GOOS + "/" + runtime.GOARCH
	p, ok := platforms[name]
	if !ok {
		return p, fmt.Errorf("no libtorch wheel is pinned for %s; unpack a libtorch %s to %s and set LIBTORCH to its folder, "+
			"or install PyTorch and set LIBTORCH_USE_PYTORCH=1", name, oldestVersion, newestVersion)
	}
	return p, nil
}
