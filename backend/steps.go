package backend

import (
	"errors"
	"fmt"

	"depthwise.dev/autograd"
)

// Batch is what a training step reads.
type Batch struct {
	Pixels  autograd.Pixels
	Targets autograd.Targets
	Weight  float64 // of the batch in the loss, see [Scored]
}

// Steps computes training steps up to the gradients of the leaves: forward, loss and backward pass. On a GPU it records a
// step of the usual shape as a CUDA graph and replays it, which takes one launch instead of hundreds: the same kernels
// with the same bits. The Go code of Compute runs when a step is computed or recorded, not when it is replayed.
type Steps struct {
	// Compute runs a batch forward and backward. Before the call, the leaves have no gradients. It must not make the host wait for the device.
	Compute func(s *autograd.Scope, b Batch) Scored
	// Upload copies targets to the device, see [UploadTargets].
	Upload func(s *autograd.Scope, t autograd.Targets) *autograd.UploadedTargets
	// Leaves are the parameters that train.
	Leaves autograd.List

	replays *replays // nil: nothing is recorded
	device  autograd.Device
	largest int  // largest batch so far: smaller ones, as at an epoch's end, are computed
	on      bool // --cuda-graph on: an error if a step cannot be recorded
}

// NewSteps prepares steps of a machine. graphs permits to record them, if the machine's options do too. The Steps belong to s.
func (m Machine) NewSteps(s *autograd.Scope, graphs bool) *Steps {
	p := &Steps{device: m.Place}
	if graphs && m.Graphs() {
		p.replays, p.on = newReplays(s, cudaGraphs{m.Place}, stepKinds), m.graph == GraphOn
	}
	return p
}

// stepKinds are the kinds of steps that are recorded: with labels, and with distributions where images are mixed.
const stepKinds = 2

// Run computes the loss of a batch and leaves its gradients at the leaves.
func (p *Steps) Run(s *autograd.Scope, b Batch) Scored {
	shape := workShape{b.Pixels.N, b.Pixels.Height, b.Pixels.Width, len(b.Targets.MixedLabels) > 0}
	p.largest = max(p.largest, shape.n)
	if p.replays == nil || shape.n < p.largest || !p.replays.due(shape) {
		return p.Compute(s, b)
	}
	b.Pixels.Uploaded, b.Targets.Uploaded = s.UploadPixels(b.Pixels, p.device), p.Upload(s, b.Targets)
	b.Pixels.Values = nil
	if s.Err() != nil {
		return Scored{}
	}
	results := p.replays.run(s, shape, inputsOf(b), func(s *autograd.Scope, inputs autograd.List) []*autograd.Tensor {
		return p.record(s, withInputs(b, inputs))
	})
	switch err := p.replays.err; {
	case s.Err() != nil:
		return Scored{}
	case results == nil && p.on:
		s.Fail(fmt.Errorf("backend: --cuda-graph on: the step cannot be recorded: %w; use --cuda-graph auto or off", err))
		return Scored{}
	case results == nil:
		autograd.ZeroGrads(s, p.Leaves)
		return p.Compute(s, b)
	}
	autograd.SetGrads(s, p.Leaves, results[2:])
	return Scored{Weight: b.Weight, loss: results[0], correct: results[1]}
}

// record computes a step whose results are tensors: loss, correct rows, and the gradients.
func (p *Steps) record(s *autograd.Scope, b Batch) []*autograd.Tensor {
	scored := p.Compute(s, b)
	if s.Err() == nil && scored.known != nil {
		s.Fail(errors.New("backend: the loss was read by the host, which a recorded step cannot do"))
	}
	results := append([]*autograd.Tensor{s.Detach(scored.loss), scored.correct}, autograd.GradsOf(s, p.Leaves)...)
	autograd.ZeroGrads(s, p.Leaves)
	return results
}

// inputsOf lists the tensors that a step reads.
func inputsOf(b Batch) autograd.List {
	u := b.Targets.Uploaded
	list := autograd.List{b.Pixels.Uploaded, u.Values}
	for _, t := range []*autograd.Tensor{u.Main, u.Weights} {
		if t != nil {
			list = append(list, t)
		}
	}
	return list
}

// withInputs is the batch with other tensors, in the order of inputsOf.
func withInputs(b Batch, inputs autograd.List) Batch {
	u := *b.Targets.Uploaded
	b.Pixels.Uploaded, u.Values, inputs = inputs[0], inputs[1], inputs[2:]
	for _, t := range []**autograd.Tensor{&u.Main, &u.Weights} {
		if *t != nil {
			*t, inputs = inputs[0], inputs[1:]
		}
	}
	b.Targets.Uploaded = &u
	return b
}

// Failure says why a step could not be recorded, so that all are computed; nil: it could, or none was tried.
func (p *Steps) Failure() error {
	if p.replays == nil {
		return nil
	}
	return p.replays.err
}

// Recorded reports whether steps are replayed.
func (p *Steps) Recorded() bool { return p.replays != nil && len(p.replays.made) > 0 }

// Reset forgets what was recorded. Call it when layers or leaves have changed, and at the end.
func (p *Steps) Reset() {
	if p.replays != nil {
		p.replays.reset()
		p.replays.err, p.largest = nil, 0
	}
}
