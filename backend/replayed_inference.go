package backend

import (
	"fmt"

	"depthwise.dev/autograd"
)

// replayedInference records forward passes of a GPU as CUDA graphs, one for each of a few sizes of batches.
type replayedInference struct {
	Inference
	network *Network
	device  autograd.Device
	replays *replays
	on      bool // --cuda-graph on: an error if a batch cannot be recorded
}

// inferenceKinds is the number of sizes of batches that are recorded. Servers have batches of many sizes, and each graph
// keeps its inputs and logits.
const inferenceKinds = 8

// preparer is an inference that derives tensors from the network's weights: what a graph reads has to follow them.
type preparer interface{ Prepare(*autograd.Scope) }

// ForwardPixels implements [Inference].
func (i replayedInference) ForwardPixels(s *autograd.Scope, p autograd.Pixels) *autograd.Tensor {
	shape := workShape{n: p.N, height: p.Height, width: p.Width}
	if i.network.Hooked() || !i.replays.due(shape) {
		return i.Inference.ForwardPixels(s, p)
	}
	p.Uploaded, p.Values = s.UploadPixels(p, i.device), nil
	if from, ok := i.Inference.(preparer); ok {
		from.Prepare(s)
	}
	if s.Err() != nil {
		return nil
	}
	results := i.replays.run(s, shape, autograd.List{p.Uploaded}, func(s *autograd.Scope, inputs autograd.List) []*autograd.Tensor {
		recorded := p
		recorded.Uploaded = inputs[0]
		return []*autograd.Tensor{i.Inference.ForwardPixels(s, recorded)}
	})
	switch err := i.replays.err; {
	case results == nil && i.on && s.Err() == nil:
		s.Fail(fmt.Errorf("backend: --cuda-graph on: the batch cannot be recorded: %w; use --cuda-graph auto or off", err))
		return nil
	case results == nil: // cannot be recorded, or failed
		return i.Inference.ForwardPixels(s, p)
	}
	return results.Clone(s)[0] // the next batch overwrites them
}
