package train

import (
	"cmp"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
)

// machine is what computes, with nothing left to "auto". It is recorded in checkpoints: another one computes other bits.
type machine struct {
	device     autograd.Device
	Device     string             `json:"device"`
	Precision  autograd.Precision `json:"precision"` // fp32 or bf16
	Threads    int                `json:"threads"`
	Kernels    string             `json:"kernels"`    // torch: composed libtorch operations
	Capability string             `json:"capability"` // the instruction set, as "AVX512"
	Libtorch   string             `json:"libtorch"`
}

// newMachine makes a configuration's precision, device and threads definite, and sets the number of threads.
func newMachine(s *autograd.Scope, precision, device string, threads int) (machine, error) {
	d, err := autograd.ParseDevice(device)
	if err != nil {
		return machine{}, err
	}
	p, err := autograd.Precision(precision).Resolve(d)
	if err != nil {
		return machine{}, err
	}
	processor := autograd.ThisProcessor()
	m := machine{device: d, Device: d.String(), Precision: p, Threads: cmp.Or(threads, PhysicalCores()),
		Kernels: "torch", Capability: processor.Capability, Libtorch: processor.Libtorch}
	autograd.SetThreads(s, m.Threads)
	return m, s.Err()
}

// String is the machine in a line, as "cpu AVX512, bf16, 2 threads, libtorch 2.15.0".
func (m machine) String() string {
	return fmt.Sprintf("%s %s, %s, %d threads, libtorch %s", m.Device, m.Capability, m.Precision, m.Threads, m.Libtorch)
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
	differ("kernels", "", was.Kernels, m.Kernels)
	differ("instruction set", "", was.Capability, m.Capability)
	differ("libtorch", "", was.Libtorch, m.Libtorch)
	return list
}

// forward computes the network's logits, (N, classes) in float32, in the machine's precision.
func (m machine) forward(s *autograd.Scope, n *mobilenet.Network, x *autograd.Tensor, mode autograd.Mode) *autograd.Tensor {
	var logits *autograd.Tensor
	err := s.Autocast(m.Precision.Compute(), func(s *autograd.Scope) error {
		logits = s.Keep(n.Forward(s, x, mode))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return logits
}
