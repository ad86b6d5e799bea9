package backend

import (
	"depthwise.dev/autograd"
)

// recorder records work of a device: CUDA graphs, or a recorder of tests.
type recorder interface {
	// capture records f without computing it, as [autograd.Capture].
	capture(s *autograd.Scope, shares recording, f func(*autograd.Scope) []*autograd.Tensor) ([]*autograd.Tensor, recording, error)
}

// recording is recorded work.
type recording interface {
	Replay(*autograd.Scope)
	Free()
}

// cudaGraphs records on a GPU.
type cudaGraphs struct{ device autograd.Device }

func (g cudaGraphs) capture(s *autograd.Scope, shares recording, f func(*autograd.Scope) []*autograd.Tensor) ([]*autograd.Tensor, recording, error) {
	with, _ := shares.(*autograd.CUDAGraph)
	results, graph, err := autograd.Capture(s, g.device, with, f)
	if err != nil {
		return nil, nil, err
	}
	return results, graph, nil
}

// workShape is what work must have in common to be replayed.
type workShape struct {
	n, height, width int
	soft             bool // targets are distributions
}

// eagerRuns is the number of times that work of a shape is computed before it is recorded: cuDNN and cuBLAS choose algorithms
// and allocate memory at first, and kernels are compiled, which a graph cannot record.
const eagerRuns = 3

// replays records work of a few shapes, and replays it.
type replays struct {
	scope     *autograd.Scope // owns inputs and results
	recorder  recorder
	mostKinds int // of shapes that are recorded
	seen      map[workShape]int
	made      map[workShape]*replay
	err       error // why nothing is recorded any more
}

// replay is recorded work with the tensors that it reads and writes.
type replay struct {
	recording
	inputs, results autograd.List
}

// newReplays makes replays that are freed with the scope.
func newReplays(s *autograd.Scope, recorder recorder, mostKinds int) *replays {
	r := &replays{scope: s, recorder: recorder, mostKinds: mostKinds, seen: map[workShape]int{}, made: map[workShape]*replay{}}
	s.Defer(r.reset)
	return r
}

// due counts a run of a shape, and reports whether to record or replay it.
func (r *replays) due(shape workShape) bool {
	if r.made[shape] != nil {
		return true
	}
	if r.err != nil || len(r.made) >= r.mostKinds {
		return false
	}
	r.seen[shape]++
	return r.seen[shape] > eagerRuns
}

// run replays the work of a shape with inputs, after it has recorded it if it is new, and returns its results, which the next
// run overwrites. If the work cannot be recorded, run keeps the error in err and returns nil: the caller computes instead.
func (r *replays) run(s *autograd.Scope, shape workShape, inputs autograd.List, compute func(s *autograd.Scope, inputs autograd.List) []*autograd.Tensor) autograd.List {
	p := r.made[shape]
	if p == nil {
		if p = r.record(inputs, compute); p == nil {
			return nil
		}
		r.made[shape] = p
	}
	for i, t := range inputs {
		s.Copy(p.inputs[i], t)
	}
	p.Replay(s)
	if s.Err() != nil {
		return nil
	}
	return p.results
}

// record records the work; nil after an error.
func (r *replays) record(inputs autograd.List, compute func(s *autograd.Scope, inputs autograd.List) []*autograd.Tensor) *replay {
	var shares recording
	for _, p := range r.made {
		shares = p.recording // all use one memory pool
	}
	p := &replay{}
	err := r.scope.Sub(func(s *autograd.Scope) error {
		p.inputs = inputs.ZerosLike(s)
		for i, t := range p.inputs {
			s.Copy(s.Keep(t), inputs[i])
		}
		return s.Err()
	})
	if err == nil {
		p.results, p.recording, err = r.recorder.capture(r.scope, shares, func(s *autograd.Scope) []*autograd.Tensor { return compute(s, p.inputs) })
	}
	if err != nil {
		r.scope.Free(p.inputs...)
		r.reset() // a failed capture gives the generator another state than that of the graphs before
		r.err = err
		return nil
	}
	return p
}

// reset forgets everything that was recorded.
func (r *replays) reset() {
	for _, p := range r.made {
		r.scope.Free(p.inputs...)
		r.scope.Free(p.results...)
		p.Free()
	}
	clear(r.made)
	clear(r.seen)
}
