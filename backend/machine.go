package backend

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/capacity"
	"depthwise.dev/internal/host"
	"depthwise.dev/internal/suggest"
	"depthwise.dev/models"
)

// Machine is what computes: the backend, device, precision and number of threads that compute, with nothing left to "auto".
// Checkpoints record its JSON form: another machine computes other bits.
type Machine struct {
	Backend `json:"-"`
	Place   autograd.Device `json:"-"` // the device's handle
	Reason  string          `json:"-"` // why the backend was chosen, for the log
	Notes   []string        `json:"-"` // see the function Notes

	Device     string             `json:"device"`
	GPU        string             `json:"gpu,omitempty"` // name of the card, as "NVIDIA H200"
	Precision  autograd.Precision `json:"precision"`     // fp32, bf16 or fp16
	Threads    int                `json:"threads"`
	Kernels    string             `json:"kernels"`    // the backend with its instruction set, as "fused avx512bf16"
	Capability string             `json:"capability"` // libtorch's instruction set, as "AVX512"
	Libtorch   string             `json:"libtorch"`
	// Of a GPU, see Options.
	TF32             bool `json:"tf32,omitempty"`
	NonDeterministic bool `json:"nondeterministic,omitempty"`

	graph string // Options.CUDAGraph of a GPU; "" on the CPU
}

// threadsEach is the number of threads of the system for each thread that computes: the thread that calls libtorch and its
// thread for backward passes have a pool each.
const threadsEach = 2

// NewMachine chooses a backend for the graph and sets the number of threads. Empty options have their defaults. A
// backend that is named and cannot compute the graph is an error; "auto" takes the next one, and Reason says why.
func NewMachine(s *autograd.Scope, g *models.Graph, o Options) (Machine, error) {
	o = o.WithDefaults()
	d, err := autograd.ParseDevice(o.Device)
	if err != nil {
		return Machine{}, err
	}
	p, err := autograd.Precision(o.Precision).Resolve(d)
	if err != nil {
		return Machine{}, err
	}
	c, err := choose(o.Backend, g, d, p)
	if err != nil {
		return Machine{}, err
	}
	threads := cmp.Or(o.Threads, host.Threads())
	if err := capacity.Threads("--threads", threads, threadsEach); err != nil {
		return Machine{}, fmt.Errorf("backend: %w", err)
	}
	processor := autograd.ThisProcessor()
	m := Machine{Backend: c.backend, Reason: c.reason, Place: d, Device: d.String(), Precision: p, Threads: threads,
		Kernels: strings.TrimSpace(c.backend.Name() + " " + c.isa), Capability: processor.Capability, Libtorch: processor.Libtorch}
	if gpu, ok := autograd.GPUByDevice(d); ok {
		m.GPU = gpu.Name
	}
	m.Notes = notes(o, d, p)
	autograd.SetThreads(s, m.Threads)
	if err := m.setGPU(s, o); err != nil {
		return Machine{}, err
	}
	return m, s.Err()
}

// setGPU sets how a GPU computes; on the CPU only --cuda-graph on is wrong.
func (m *Machine) setGPU(s *autograd.Scope, o Options) error {
	if m.Place == autograd.CPU {
		if o.CUDAGraph == GraphOn {
			return errors.New("backend: --cuda-graph on: CUDA graphs need a GPU; use --cuda-graph auto, or --device cuda")
		}
		return nil
	}
	m.graph, m.TF32, m.NonDeterministic = o.CUDAGraph, o.TF32, o.NonDeterministic
	autograd.UseStream(s, m.Place)
	autograd.SetGPUMath(s, autograd.GPUMath{Deterministic: !o.NonDeterministic, TF32: o.TF32})
	return s.Err()
}

// Graphs reports whether work may be recorded as CUDA graphs.
func (m Machine) Graphs() bool { return m.graph == GraphAuto || m.graph == GraphOn }

// choice is a backend, its instruction set, and why it was chosen.
type choice struct {
	backend     Backend
	isa, reason string
}

// choose returns the named backend, or for "auto" the first that computes the graph fast.
func choose(name string, g *models.Graph, d autograd.Device, p autograd.Precision) (choice, error) {
	if name == "auto" {
		return chooseFirst(g, d, p)
	}
	for _, b := range backends {
		if b.Name() != name {
			continue
		}
		if err := supports(b, g, d, p); err != nil {
			return choice{}, fmt.Errorf("backend: --backend %s cannot compute %s on %v: %w; use --backend torch or auto", name, g.Name, d, err)
		}
		isa, err := b.ISA()
		return choice{b, isa, "requested"}, err
	}
	return choice{}, fmt.Errorf("backend: no backend is named %q: %s", name, suggest.OneOf(name, Names()))
}

// supports returns nil if the backend computes the graph on the device in the precision, or an error that says what it lacks.
func supports(b Backend, g *models.Graph, d autograd.Device, p autograd.Precision) error {
	if err := b.Supports(g, d); err != nil {
		return err
	}
	return b.SupportsPrecision(p)
}

// deviceError is the error of a backend that is for other devices. A reason for the choice of another one leaves it out.
type deviceError struct{ text string }

// Error implements error.
func (e *deviceError) Error() string { return e.text }

// chooseFirst returns the first backend that supports the graph. The reason says what those before it lack.
func chooseFirst(g *models.Graph, d autograd.Device, p autograd.Precision) (choice, error) {
	var lacking []string
	for _, b := range backends {
		if err := supports(b, g, d, p); err != nil {
			if _, other := errors.AsType[*deviceError](err); !other {
				lacking = append(lacking, err.Error())
			}
			continue
		}
		isa, err := b.ISA()
		switch {
		case err != nil:
			return choice{}, err
		case isa == portable:
			lacking = append(lacking, "this processor has none of the instruction sets that make the fused kernels fast")
		case lacking == nil:
			return choice{b, isa, "the fastest for this network"}, nil
		default:
			return choice{b, isa, strings.Join(lacking, "; ")}, nil
		}
	}
	return choice{}, errors.New("backend: no backend supports the network: " + strings.Join(lacking, "; "))
}

// portable is the instruction set of kernels that every processor runs, slower than libtorch's.
const portable = "portable"

// String is the machine in a line, as "cpu AVX512, bf16, 2 threads, backend fused avx512bf16, libtorch 2.15.0". A GPU is named
// in place of the instruction set.
func (m Machine) String() string {
	threads := "1 thread"
	if m.Threads != 1 {
		threads = fmt.Sprintf("%d threads", m.Threads)
	}
	return fmt.Sprintf("%s %s, %s, %s, backend %s, libtorch %s", m.Device, cmp.Or(m.GPU, m.Capability), m.Precision, threads, m.Kernels, m.Libtorch)
}

// Differences lists how the machine differs from another, which computed a checkpoint, with the flag that
// removes the difference where there is one.
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
	if was.GPU != "" && m.GPU != "" { // not in checkpoints of older versions
		differ("GPU", "", was.GPU, m.GPU)
	}
	differ("precision", "--precision", string(was.Precision), string(m.Precision))
	differ("threads", "--threads", fmt.Sprint(was.Threads), fmt.Sprint(m.Threads))
	first := func(words string) string { w, _, _ := strings.Cut(words, " "); return w }
	if first(was.Kernels) != first(m.Kernels) {
		differ("backend", "--backend", first(was.Kernels), first(m.Kernels))
	} else {
		differ("backend", "", was.Kernels, m.Kernels)
	}
	differ("instruction set", "", was.Capability, m.Capability)
	differ("libtorch", "", was.Libtorch, m.Libtorch)
	differ("--tf32", "", fmt.Sprint(was.TF32), fmt.Sprint(m.TF32))
	differ("--deterministic", "", fmt.Sprint(!was.NonDeterministic), fmt.Sprint(!m.NonDeterministic))
	return list
}

// Forward computes the network's logits of images, (N, classes) in float32, in the machine's precision.
func (m Machine) Forward(s *autograd.Scope, n *Network, p autograd.Pixels, mode autograd.Mode) *autograd.Tensor {
	var logits *autograd.Tensor
	err := s.Autocast(m.Precision.Compute(), func(s *autograd.Scope) error {
		logits = s.Keep(m.ForwardPixels(s, n, p, mode))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return logits
}

// Inference prepares the network for evaluation in the machine's precision. It belongs to s.
func (m Machine) Inference(s *autograd.Scope, n *Network) Inference {
	i := m.Backend.Inference(s, n, m.Precision.Compute())
	if !m.Graphs() {
		return i
	}
	return replayedInference{i, n, m.Place, newReplays(s, cudaGraphs{m.Place}, inferenceKinds), m.graph == GraphOn}
}

// Normalize is what a network sees of pixels: (N, 3, H, W), float32, on the machine's device.
func (m Machine) Normalize(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	return normalize(s, p, m.Place)
}
