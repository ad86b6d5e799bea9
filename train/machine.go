package train

import (
	"cmp"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/internal/host"
	"depthwise.dev/models/mobilenet"
)

// machine is what computes, with nothing left to "auto". It is recorded in checkpoints: another one computes other bits.
type machine struct {
	device     autograd.Device
	kernels    mobilenet.Kernels
	Device     string             `json:"device"`
	Precision  autograd.Precision `json:"precision"` // fp32 or bf16
	Threads    int                `json:"threads"`
	Kernels    string             `json:"kernels"`    // torch, or fused with its instruction set, as "fused avx512_bf16"
	Capability string             `json:"capability"` // the instruction set, as "AVX512"
	Libtorch   string             `json:"libtorch"`
}

// compute is what a configuration says of the machine.
type compute struct {
	Precision, Device, Kernels string
	Threads                    int
}

// newMachine makes precision, device, kernels and threads definite, and sets the number of threads.
func newMachine(s *autograd.Scope, c compute) (machine, error) {
	d, err := autograd.ParseDevice(c.Device)
	if err != nil {
		return machine{}, err
	}
	p, err := autograd.Precision(c.Precision).Resolve(d)
	if err != nil {
		return machine{}, err
	}
	kernels, isa, err := chooseKernels(c.Kernels, d)
	if err != nil {
		return machine{}, err
	}
	processor := autograd.ThisProcessor()
	m := machine{device: d, kernels: kernels, Device: d.String(), Precision: p, Threads: cmp.Or(c.Threads, host.PhysicalCores()),
		Kernels: strings.TrimSpace(string(kernels) + " " + isa), Capability: processor.Capability, Libtorch: processor.Libtorch}
	autograd.SetThreads(s, m.Threads)
	return m, s.Err()
}

// chooseKernels makes "auto" definite: the fused kernels on a CPU that they have an instruction set for, else libtorch's.
func chooseKernels(name string, d autograd.Device) (kernels mobilenet.Kernels, isa string, err error) {
	if name == string(mobilenet.Torch) || name == "auto" && d != autograd.CPU {
		return mobilenet.Torch, "", nil
	}
	if d != autograd.CPU {
		return "", "", fmt.Errorf("train: the fused kernels compute on the CPU, not on %v; use --kernels torch or --device cpu", d)
	}
	isa, err = autograd.BackboneKernels()
	if name == "auto" && isa == "portable" {
		return mobilenet.Torch, "", err
	}
	return mobilenet.Fused, isa, err
}

// String is the machine in a line, as "cpu AVX512, bf16, 2 threads, kernels fused avx512_bf16, libtorch 2.15.0".
func (m machine) String() string {
	return fmt.Sprintf("%s %s, %s, %d threads, kernels %s, libtorch %s", m.Device, m.Capability, m.Precision, m.Threads, m.Kernels, m.Libtorch)
}

// differences names what is not the same in another machine, with the flag that makes it so where there is one.
func (m machine) differences(was machine) []string {
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
		differ("kernels", "--kernels", first(was.Kernels), first(m.Kernels))
	} else {
		differ("kernels", "", was.Kernels, m.Kernels)
	}
	differ("instruction set", "", was.Capability, m.Capability)
	differ("libtorch", "", was.Libtorch, m.Libtorch)
	return list
}

// inference is the network's form for evaluation in the machine's precision. It belongs to s.
func (m machine) inference(s *autograd.Scope, n *mobilenet.Network) *mobilenet.Inference {
	return n.Inference(s, m.Precision.Compute())
}

// forward computes the network's logits of images, (N, classes) in float32, in the machine's precision.
func (m machine) forward(s *autograd.Scope, n *mobilenet.Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	var logits *autograd.Tensor
	err := s.Autocast(m.Precision.Compute(), func(s *autograd.Scope) error {
		logits = s.Keep(n.ForwardPixels(s, p, mode))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return logits
}

// normalize is what of pixels a network sees: (N, 3, H, W), float32.
func (m machine) normalize(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return s.NormalizeImages(p.Values, p.N, p.Height, p.Width, p.Mean, p.Std, m.device)
}

// pixelsOf is a loader's batch as a network reads it, which shares its memory.
func pixelsOf(b *data.Batch, p data.Preprocess) autograd.Pixels {
	return autograd.Pixels{Values: b.Pixels, N: b.N, Height: b.Height, Width: b.Width, Mean: p.Mean, Std: p.Std}
}
