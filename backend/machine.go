package backend

import (
	"cmp"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
	"depthwise.dev/models/mobilenet"
)

// Machine is what computes, with every choice of "auto" made. It is recorded in checkpoints,
// because another machine computes other bits.
type Machine struct {
	device     autograd.Device
	kernels    mobilenet.Kernels
	Device     string             `json:"device"`
	Precision  autograd.Precision `json:"precision"` // fp32 or bf16
	Threads    int                `json:"threads"`
	Kernels    string             `json:"kernels"`    // torch, or fused with its instruction set, as "fused avx512bf16"
	Capability string             `json:"capability"` // libtorch's instruction set, as "AVX512"
	Libtorch   string             `json:"libtorch"`
}

// NewMachine resolves the options, of which empty ones have their defaults, and sets the number of
// threads.
func NewMachine(s *autograd.Scope, o Options) (Machine, error) {
	o = o.WithDefaults()
	d, err := autograd.ParseDevice(o.Device)
	if err != nil {
		return Machine{}, err
	}
	p, err := autograd.Precision(o.Precision).Resolve(d)
	if err != nil {
		return Machine{}, err
	}
	kernels, isa, err := chooseKernels(o.Backend, d)
	if err != nil {
		return Machine{}, err
	}
	processor := autograd.ThisProcessor()
	m := Machine{device: d, kernels: kernels, Device: d.String(), Precision: p, Threads: cmp.Or(o.Threads, host.PhysicalCores()),
		Kernels: strings.TrimSpace(string(kernels) + " " + isa), Capability: processor.Capability, Libtorch: processor.Libtorch}
	autograd.SetThreads(s, m.Threads)
	return m, s.Err()
}

// chooseKernels resolves "auto": the fused kernels on a CPU whose instruction set they support,
// else libtorch.
func chooseKernels(name string, d autograd.Device) (kernels mobilenet.Kernels, isa string, err error) {
	if name == string(mobilenet.Torch) || name == "auto" && d != autograd.CPU {
		return mobilenet.Torch, "", nil
	}
	if d != autograd.CPU {
		return "", "", fmt.Errorf("backend: the fused kernels run on the CPU, not on %v; use --backend torch or --device cpu", d)
	}
	isa, err = autograd.BackboneKernels()
	if name == "auto" && isa == "portable" {
		return mobilenet.Torch, "", err
	}
	return mobilenet.Fused, isa, err
}

// Fused reports whether the fused kernels compute.
func (m Machine) Fused() bool { return m.kernels == mobilenet.Fused }

// String describes the machine in one line, as "cpu AVX512, bf16, 2 threads, kernels fused
// avx512bf16, libtorch 2.15.0".
func (m Machine) String() string {
	return fmt.Sprintf("%s %s, %s, %d threads, kernels %s, libtorch %s", m.Device, m.Capability, m.Precision, m.Threads, m.Kernels, m.Libtorch)
}

// Differences lists what differs from the machine of a checkpoint, with the flag that restores it
// where there is one.
func (m Machine) Differences(was Machine) []string {
	var list []string
	differ := func(what, flag, was, is string) {
		if was == is {
			return
		}
		text := fmt.Sprintf("%s %s, here %s", what, was, is)
		if flag != "" {
			text += fmt.Sprintf(" (%s %s)", flag, was)
		}
		list = append(list, text)
	}
	kind := func(device string) string { k, _, _ := strings.Cut(device, ":"); return k }
	differ("device", "--device", kind(was.Device), kind(m.Device))
	differ("precision", "--precision", string(was.Precision), string(m.Precision))
	differ("threads", "--threads", fmt.Sprint(was.Threads), fmt.Sprint(m.Threads))
	first := func(words string) string { w, _, _ := strings.Cut(words, " "); return w }
	if first(was.Kernels) != first(m.Kernels) {
		differ("kernels", "--backend", first(was.Kernels), first(m.Kernels))
	} else {
		differ("kernels", "", was.Kernels, m.Kernels)
	}
	differ("instruction set", "", was.Capability, m.Capability)
	differ("libtorch", "", was.Libtorch, m.Libtorch)
	return list
}

// TensorDevice returns the device that tensors of a network belong to.
func (m Machine) TensorDevice() autograd.Device { return m.device }
