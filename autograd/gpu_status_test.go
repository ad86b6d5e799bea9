package autograd

import (
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd/native"
	"depthwise.dev/internal/host"
)

// config is how libtorch 2.11.0 with CUDA 13.0 describes its build, shortened.
const config = `PyTorch built with:
  - GCC 13.3
  - CUDA Runtime 13.0
  - NVCC architecture flags: -gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_80,code=sm_80;-gencode;arch=compute_86,code=sm_86;-gencode;arch=compute_90,code=sm_90;-gencode;arch=compute_100,code=sm_100;-gencode;arch=compute_120,code=sm_120;-gencode;arch=compute_120,code=compute_120
  - CuDNN 91.9
`

// with returns a machine with working GPUs of these compute capabilities.
func with(capabilities ...string) gpus {
	m := gpus{status: native.CUDAStatus{Built: true, Driver: 13000, Runtime: 13000, Count: len(capabilities)},
		kernels: parseArchitectures(config), system: host.NVIDIA{Present: true, Driver: "580.65.06"}}
	for n, c := range capabilities {
		g := GPU{Device: Device(n), Name: "Card " + c, Capability: c, Multiprocessors: 132, Memory: 150e9}
		major, minor, _ := strings.Cut(c, ".")
		g.major, g.minor = atoi(major), atoi(minor)
		m.gpus = append(m.gpus, g)
	}
	return m
}

func atoi(text string) (n int) {
	for _, r := range text {
		n = 10*n + int(r-'0')
	}
	return n
}

// failingCUDA returns a machine where counting the GPUs fails.
func failingCUDA(code, driver int, message string) gpus {
	return gpus{status: native.CUDAStatus{Built: true, Error: code, Message: message, Driver: driver, Runtime: 13020}}
}

func limited(m gpus, variable string) gpus {
	m.visible, m.restricted = variable, true
	return m
}

func withCard(m gpus, driver string) gpus {
	m.system = host.NVIDIA{Present: true, Driver: driver}
	return m
}

// TestGPUProblems: each way in which a GPU cannot be used has an error that says what is wrong and what to do, and the device auto
// is then another GPU or the CPU, with a note.
func TestGPUProblems(t *testing.T) {
	tests := []struct {
		name   string
		m      gpus
		device int
		want   []string // of the error; nil: the device is there
		auto   Device
		note   string // part of it; "": none
	}{
		{"a GPU", with("9.0"), 0, nil, 0, ""},
		{"the second of two", with("9.0", "9.0"), 1, nil, 0, ""},
		{"number too high", with("9.0"), 1, []string{"device cuda:1", "there is one GPU, cuda:0"}, 0, ""},
		{"number too high of two", with("9.0", "8.0"), 5, []string{"device cuda:5", "there are 2 GPUs, cuda:0 to cuda:1"}, 0, ""},
		{"number among the visible ones", limited(with("9.0"), "3"), 3, []string{"device cuda:3", "there is one GPU, cuda:0", "numbered among those of CUDA_VISIBLE_DEVICES=3"}, 0, ""},
		{"a visible one", limited(with("9.0"), "3"), 0, nil, 0, ""},
		{"a newer minor version", with("8.9"), 0, nil, 0, ""},
		{"PTX for a card that is newer than libtorch", with("13.0"), 0, nil, 0, ""},
		{"a card that is too old", with("7.0"), 0, []string{"no kernels for Card 7.0 of compute capability 7.0", "but for 7.5, 8.0, 8.6, 9.0, 10.0, 12.0", "LIBTORCH_USE_PYTORCH=1"},
			CPU, "no kernels for Card 7.0"},
		{"a card that is too old beside another", with("6.1", "8.0"), 0, []string{"no kernels for Card 6.1"}, 1, ""},
		{"PTX is not for older cards", with("11.0"), 0, []string{"no kernels for Card 11.0"}, CPU, "no kernels"},
		{"libtorch without CUDA", gpus{}, 0, []string{"libtorch has no CUDA", "setup --cuda", "--device cpu"}, CPU, ""},
		{"libtorch without CUDA, with a card", withCard(gpus{}, "580.65.06"), 0, []string{"libtorch has no CUDA"}, CPU, "the machine has an NVIDIA GPU, but this program's libtorch has no CUDA"},
		{"no driver", failingCUDA(insufficientDriver, 0, "x"), 0, []string{"CUDA 13.2 finds no NVIDIA driver (libcuda.so.1);", "install driver 580", "--gpus all"}, CPU, "finds no NVIDIA driver"},
		{"no driver for a card", withCard(failingCUDA(insufficientDriver, 0, "x"), ""), 0, []string{"(libcuda.so.1) although the machine has an NVIDIA GPU"}, CPU, "although"},
		{"driver too old", withCard(failingCUDA(insufficientDriver, 12040, "x"), "550.54.15"), 0,
			[]string{"driver 550.54.15 supports CUDA 12.4", "built with CUDA 13.2", "install driver 580", "PyTorch for CUDA 12"}, CPU, "supports CUDA 12.4"},
		{"driver far too old", withCard(failingCUDA(insufficientDriver, 11040, "x"), "470.82"), 0, []string{"driver 470.82 supports CUDA 11.4", "install driver 580 or newer; or use --device cpu"}, CPU, "supports CUDA 11.4"},
		{"driver too old for an unknown version of CUDA", gpus{status: native.CUDAStatus{Built: true, Error: insufficientDriver, Driver: 13000, Runtime: 14010}}, 0,
			[]string{"install a driver for CUDA 14.1 or newer"}, CPU, "supports CUDA 13.0"},
		{"driver too old, of unknown version", failingCUDA(insufficientDriver, 12080, "x"), 0, []string{"the NVIDIA driver supports CUDA 12.8"}, CPU, "supports CUDA 12.8"},
		{"no GPU", failingCUDA(noDevice, 13000, "x"), 0, []string{"the NVIDIA driver finds no GPU", "nvidia-smi"}, CPU, "finds no GPU"},
		{"no GPU and no error", failingCUDA(0, 13000, ""), 0, []string{"the NVIDIA driver finds no GPU"}, CPU, "finds no GPU"},
		{"all hidden", limited(failingCUDA(noDevice, 13000, "x"), ""), 0, []string{"CUDA_VISIBLE_DEVICES= hides all GPUs", "unset it"}, CPU, "hides all GPUs"},
		{"one that does not exist", limited(failingCUDA(noDevice, 13000, "x"), "7"), 0, []string{"CUDA_VISIBLE_DEVICES=7 hides all GPUs"}, CPU, "hides all GPUs"},
		{"library and kernel module differ", failingCUDA(803, 13000, "system has unsupported display driver / cuda driver combination"), 0,
			[]string{"CUDA cannot use the GPUs: system has unsupported display driver", "nvidia-smi", "restart"}, CPU, "CUDA cannot use the GPUs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, err := tt.m.device(tt.device)
			if tt.want == nil && (err != nil || d != Device(tt.device)) {
				t.Errorf("%v, error %v", d, err)
			}
			for _, part := range tt.want {
				if err == nil || !strings.Contains(err.Error(), part) || d != CPU {
					t.Errorf("%v, error %v, want one with %q", d, err, part)
				}
			}
			if got := tt.m.auto(); got != tt.auto {
				t.Errorf("auto is %v, want %v", got, tt.auto)
			}
			if got := tt.m.fallbackNote(); (got == "") != (tt.note == "") || !strings.Contains(got, tt.note) || strings.Contains(got, "--device cpu") {
				t.Errorf("note %q, want one with %q", got, tt.note)
			}
		})
	}
}

// TestGPUEnvironment: the lines of version, runs and reports.
func TestGPUEnvironment(t *testing.T) {
	tests := []struct {
		name string
		m    gpus
		want []string
	}{
		{"two GPUs", with("9.0", "7.0"), []string{"CUDA 13.0, NVIDIA driver 580.65.06 for CUDA 13.0",
			"cuda:0 Card 9.0, 150 GB of memory, compute capability 9.0, 132 multiprocessors",
			"cuda:1 Card 7.0, 150 GB of memory, compute capability 7.0, 132 multiprocessors; this libtorch has no kernels for it"}},
		{"for the CPU", gpus{}, nil},
		{"no driver", failingCUDA(insufficientDriver, 0, ""), []string{"no GPU: CUDA 13.2 finds no NVIDIA driver (libcuda.so.1); install driver 580 or newer, and start a container with --gpus all"}},
	}
	for _, tt := range tests {
		if got := tt.m.environment(); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n%q, want\n%q", tt.name, got, tt.want)
		}
	}
}

func TestParseArchitectures(t *testing.T) {
	got := parseArchitectures(config)
	if want := (architecture{12, 0, true}); len(got) != 7 || got[0] != (architecture{7, 5, false}) || got[6] != want {
		t.Errorf("%+v", got)
	}
	if got := parseArchitectures("arch=compute_90a,code=sm_90a"); len(got) != 1 || got[0] != (architecture{9, 0, false}) {
		t.Errorf("%+v", got)
	}
	if got := parseArchitectures("PyTorch built with:\n  - GCC 13.3\n"); got != nil {
		t.Errorf("%+v of a libtorch for CPUs", got)
	}
	if !(gpus{}).supports(GPU{}) {
		t.Error("a card is refused although nothing is known")
	}
}

// TestThisGPUs: what this machine has is consistent, whatever it is.
func TestThisGPUs(t *testing.T) {
	found, err := GPUs()
	if (err == nil) != (len(found) > 0) {
		t.Errorf("%d GPUs, error %v", len(found), err)
	}
	if _, ok := GPUByDevice(CPU); ok {
		t.Error("the CPU is a GPU")
	}
	if err := Synchronize(CPU); err != nil {
		t.Error(err)
	}
	if m, err := DeviceMemory(CPU); err != nil || m != (GPUMemory{}) {
		t.Errorf("%+v, error %v", m, err)
	}
	if err := ResetPeakMemory(CPU); err != nil {
		t.Error(err)
	}
	if len(found) == 0 {
		if _, err := DeviceMemory(CUDA(0)); err == nil {
			t.Error("memory of a GPU that does not exist")
		}
		if ResetPeakMemory(CUDA(0)) == nil || Synchronize(CUDA(0)) == nil {
			t.Error("a GPU that does not exist")
		}
	}
}
