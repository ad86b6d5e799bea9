package autograd

import (
	"fmt"

	"depthwise.dev/autograd/native"
)

// SetThreads sets the number of threads of libtorch's operations in this scope's thread. Results
// are bit-identical from run to run only for the same number.
func SetThreads(s *Scope, n int) {
	if !s.ready("set threads") {
		return
	}
	if n < 1 {
		s.Fail(fmt.Errorf("autograd: set threads: %d threads; want at least one", n))
		return
	}
	if err := native.SetThreads(n); err != nil {
		s.Fail(opError("set threads", nil, err))
	}
}

// Threads is the number of threads that libtorch's operations use.
func Threads() int { return native.Threads() }

// Seed seeds libtorch's generators, which dropout uses.
func Seed(s *Scope, seed uint64) {
	if !s.ready("seed") {
		return
	}
	if err := native.ManualSeed(seed); err != nil {
		s.Fail(opError("seed", nil, err))
	}
}

// GeneratorState returns the state of libtorch's generator of a device, for SetGeneratorState: about 5 KB of the CPU's, 16
// bytes of a GPU's.
func GeneratorState(s *Scope, dev Device) []byte {
	var state []byte
	err := s.Sub(func(s *Scope) error {
		c, err := native.GeneratorState(int(dev))
		state = ToSlice[uint8](s, s.made("generator state", nil, c, err))
		return s.Err()
	})
	if err != nil {
		s.Fail(err)
		return nil
	}
	return state
}

// SetGeneratorState restores a state that GeneratorState returned.
func SetGeneratorState(s *Scope, dev Device, state []byte) {
	err := s.Sub(func(s *Scope) error {
		t := FromSlice(s, state, int64(len(state)))
		if !s.ready("set generator state", t) {
			return s.Err()
		}
		if err := native.SetGeneratorState(int(dev), native.Tensor(t.c)); err != nil {
			return opError("set generator state", []*Tensor{t}, err)
		}
		return nil
	})
	if err != nil {
		s.Fail(err)
	}
}

// GPUMath is how libtorch computes on GPUs.
type GPUMath struct {
	Deterministic bool // algorithms of cuDNN that give the same bits in each run; else it measures and takes the fastest
	TF32          bool // operands of float32 products are rounded to 10 bits, which is faster
}

// SetGPUMath sets how libtorch computes on all GPUs. Call it before the first operation on one.
func SetGPUMath(s *Scope, m GPUMath) {
	if !s.ready("set GPU math") {
		return
	}
	if err := native.SetGPUMath(m.Deterministic, m.TF32); err != nil {
		s.Fail(opError("set GPU math", nil, err))
	}
}

// MemoryAllocated is the size of live CPU tensors in bytes, whatever holds them: scopes, the graph
// or plain gotch. Blocks below 256 KB are not counted. See docs/memory.md.
func MemoryAllocated() int64 { return native.MemoryAllocated() }

// Processor describes the processor: libtorch's version, the instruction set it dispatches to, and
// bfloat16 support.
type Processor struct {
	Libtorch   string `json:"libtorch" yaml:"libtorch"`
	Capability string `json:"capability" yaml:"capability"` // such as "AVX512+bf16+amx"
	BF16       bool   `json:"bf16" yaml:"bf16"`
}

// ThisProcessor describes the current processor.
func ThisProcessor() Processor {
	return Processor{Libtorch: native.LibtorchVersion(), Capability: native.CPUCapability(), BF16: native.HasBF16()}
}

// Named is a tensor with its name in weight files.
type Named struct {
	Name   string
	Tensor *Tensor
}
