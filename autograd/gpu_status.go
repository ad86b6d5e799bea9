package autograd

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/autograd/native"
	"depthwise.dev/internal/host"
)

// gpus is what libtorch and the system report about the GPUs. Its methods do not ask the machine, so that tests can give any values.
type gpus struct {
	status     native.CUDAStatus
	gpus       []GPU
	kernels    []architecture // that libtorch has kernels for; nil: not known
	system     host.NVIDIA
	visible    string // CUDA_VISIBLE_DEVICES
	restricted bool   // it is set
}

// Values of cudaError_t, from driver_types.h.
const (
	insufficientDriver = 35
	noDevice           = 100
)

// oldestDrivers are the oldest drivers of a major version of CUDA, from the tables of its release notes.
var oldestDrivers = map[int]string{12: "525", 13: "580"}

// oldestPyTorch is the oldest major version of CUDA that there is a PyTorch for among those that set-up accepts (2.11).
const oldestPyTorch = 12

const visibleVariable = "CUDA_VISIBLE_DEVICES"

func visibleDevices() (string, bool) { return os.LookupEnv(visibleVariable) }

// problem says why no GPU can be used; nil if one can.
func (m gpus) problem() error {
	s := m.status
	switch {
	case !s.Built:
		return errors.New("this program's libtorch has no CUDA; set up with: go run ./cmd/setup --cuda, and build again")
	case s.Driver == 0:
		return fmt.Errorf("CUDA %s finds no NVIDIA driver (libcuda.so.1)%s; install %s or newer, and start a container with --gpus all",
			cudaVersion(s.Runtime), m.card(), m.oldestDriver())
	case s.Error == insufficientDriver:
		text := fmt.Sprintf("the NVIDIA driver%s supports CUDA %s, but libtorch is built with CUDA %s; install %s or newer",
			spaced(m.system.Driver), cudaVersion(s.Driver), cudaVersion(s.Runtime), m.oldestDriver())
		if s.Driver/1000 >= oldestPyTorch {
			text += fmt.Sprintf(", or set up with a PyTorch for CUDA %d and LIBTORCH_USE_PYTORCH=1", s.Driver/1000)
		}
		return errors.New(text)
	case s.Error == noDevice || s.Error == 0 && s.Count == 0:
		if m.restricted {
			return fmt.Errorf("%s=%s hides all GPUs; unset it, or set it to the number of one, such as 0", visibleVariable, m.visible)
		}
		return errors.New("the NVIDIA driver finds no GPU; look at the output of nvidia-smi, and start a container with --gpus all")
	case s.Error != 0:
		return fmt.Errorf("CUDA cannot use the GPUs: %s; look at the output of nvidia-smi, and restart the machine if the driver was updated", s.Message)
	}
	return nil
}

// card says, where it is so, that the machine has a GPU although it cannot be used.
func (m gpus) card() string {
	if !m.system.Present {
		return ""
	}
	return " although the machine has an NVIDIA GPU"
}

// oldestDriver names the oldest driver for libtorch's version of CUDA.
func (m gpus) oldestDriver() string {
	if version, ok := oldestDrivers[m.status.Runtime/1000]; ok {
		return "driver " + version
	}
	return "a driver for CUDA " + cudaVersion(m.status.Runtime)
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

// cudaVersion formats a version of CUDA, 1000 * major + 10 * minor.
func cudaVersion(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// unusable says why the GPU of a number among those that are visible cannot be used; nil if it can.
func (m gpus) unusable(n int) error {
	if err := m.problem(); err != nil {
		return err
	}
	if n >= len(m.gpus) {
		have := "there is one GPU, cuda:0"
		if len(m.gpus) > 1 {
			have = fmt.Sprintf("there are %d GPUs, cuda:0 to cuda:%d", len(m.gpus), len(m.gpus)-1)
		}
		if m.restricted {
			have += fmt.Sprintf(", which are numbered among those of %s=%s", visibleVariable, m.visible)
		}
		return errors.New(have)
	}
	if g := m.gpus[n]; !m.supports(g) {
		return fmt.Errorf("this libtorch has no kernels for %s of compute capability %s, but for %s; "+
			"use another GPU, or set up with a PyTorch that supports this one and LIBTORCH_USE_PYTORCH=1", g.Name, g.Capability, m.capabilities())
	}
	return nil
}

// device returns the GPU of a number among those that are visible, or why it cannot be used.
func (m gpus) device(n int) (Device, error) {
	if err := m.unusable(n); err != nil {
		return CPU, fmt.Errorf("autograd: device %v: %w; or use --device cpu", CUDA(n), err)
	}
	return CUDA(n), nil
}

// auto returns the first GPU that can be used, else the CPU.
func (m gpus) auto() Device {
	for n := range m.gpus {
		if m.unusable(n) == nil {
			return CUDA(n)
		}
	}
	return CPU
}

// fallbackNote says why auto is the CPU although a GPU could be expected.
func (m gpus) fallbackNote() string {
	if m.auto() != CPU || !m.status.Built && !m.system.Present {
		return ""
	}
	text := m.unusable(0).Error()
	if !m.status.Built {
		text = "the machine has an NVIDIA GPU, but " + text
	}
	return "computes on the CPU: " + text
}

// environment is the text of [CUDAEnvironment].
func (m gpus) environment() []string {
	if !m.status.Built && !m.system.Present {
		return nil
	}
	if err := m.problem(); err != nil {
		return []string{"no GPU: " + err.Error()}
	}
	lines := []string{fmt.Sprintf("CUDA %s, NVIDIA driver%s for CUDA %s", cudaVersion(m.status.Runtime), spaced(m.system.Driver), cudaVersion(m.status.Driver))}
	for n, g := range m.gpus {
		line := g.String()
		if m.unusable(n) != nil {
			line += "; this libtorch has no kernels for it"
		}
		lines = append(lines, line)
	}
	return lines
}

// architecture is a compute capability that libtorch was compiled for: as machine code, or as PTX, which drivers compile for
// the same and newer cards.
type architecture struct {
	major, minor int
	ptx          bool
}

var architectureFlag = regexp.MustCompile(`code=(sm|compute)_(\d+)(\d)[a-z]?\b`)

// parseArchitectures reads the flags of nvcc in libtorch's description of its build.
func parseArchitectures(config string) []architecture {
	var list []architecture
	for _, m := range architectureFlag.FindAllStringSubmatch(config, -1) {
		major, err1 := strconv.Atoi(m[2])
		minor, err2 := strconv.Atoi(m[3])
		if a := (architecture{major, minor, m[1] == "compute"}); err1 == nil && err2 == nil && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// supports reports whether libtorch has kernels for a GPU: machine code runs on cards of the same major version and the same or a
// higher minor one (CUDA C++ Programming Guide, binary compatibility).
func (m gpus) supports(g GPU) bool {
	return m.kernels == nil || slices.ContainsFunc(m.kernels, func(a architecture) bool {
		return a.major == g.major && a.minor <= g.minor || a.ptx && a.major < g.major
	})
}

// capabilities lists those that libtorch has kernels for.
func (m gpus) capabilities() string {
	var list []string
	for _, a := range m.kernels {
		if text := fmt.Sprintf("%d.%d", a.major, a.minor); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}
