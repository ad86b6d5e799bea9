package train

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/report"
)

// newSteps prepares training steps. Where possible, a GPU replays them from CUDA graphs.
func (r *run) newSteps(s *autograd.Scope) error {
	why := r.notReplayable()
	if why != "" && r.Graphs() && r.config.CUDAGraph == backend.GraphOn {
		return fmt.Errorf("train: --cuda-graph on: steps cannot be recorded: %s; use --cuda-graph auto or off", why)
	}
	r.steps = r.NewSteps(s, why == "")
	r.steps.Compute, r.steps.Upload = r.computeBatch, r.uploadTargets
	return nil
}

// notReplayable says why steps cannot be captured, "" if they can: a graph replays what the GPU computed, and nothing that
// Go code did.
func (r *run) notReplayable() string {
	switch {
	case r.ranks.several():
		return "gradients are exchanged with other ranks during the backward pass"
	case r.trainer.Loss.Compute != nil:
		return fmt.Sprintf("the loss %q is a custom one (train.Trainer.Loss)", r.trainer.Loss.Name)
	case r.config.Accumulate > 1:
		return fmt.Sprintf("gradients of %d batches are accumulated (--accumulate)", r.config.Accumulate)
	case r.features != nil && r.config.UnfreezeAfter == 0:
		return "the backbone is frozen, and only the head is trained"
	}
	return ""
}

// noteGraphs says, once, whether the steps of a GPU are replayed.
func (r *run) noteGraphs() error {
	why := r.notReplayable()
	switch {
	case r.Place == autograd.CPU || r.graphsNoted:
		return nil
	case r.config.CUDAGraph == backend.GraphOff:
		why = "--cuda-graph off"
	case r.steps.Failure() != nil:
		why = r.steps.Failure().Error()
	case r.steps.Recorded():
		r.graphsNoted = true
		return r.note(report.Info, "CUDA graph: forward and backward pass of a step are launched as a whole")
	case why == "":
		return nil // not known yet
	}
	r.graphsNoted = true
	return r.note(report.Info, "no CUDA graph: "+why)
}

// computeBatch runs a batch forward and backward.
func (r *run) computeBatch(s *autograd.Scope, b backend.Batch) backend.Scored {
	loss, scored := r.loss(s, r.Forward(s, r.network, b.Pixels, autograd.Training), b.Targets)
	r.backward(s, loss, scored)
	return scored
}

// backward computes the gradients of a batch's loss, which of accumulated batches is a sum.
func (r *run) backward(s *autograd.Scope, loss *autograd.Tensor, scored backend.Scored) {
	if r.config.Accumulate > 1 {
		loss = s.Scale(loss, scored.Weight)
	}
	r.Backward(s, r.scaledLoss(s, loss))
}

// runBatch runs a batch, or its features, forward and backward.
func (r *run) runBatch(s *autograd.Scope, b *data.Batch) backend.Scored {
	targets := r.mixedTargets(backend.Targets(b))
	if r.features != nil || r.network.Hooked() {
		loss, scored := r.loss(s, r.logits(s, b), targets)
		r.backward(s, loss, scored)
		return scored
	}
	return r.steps.Run(s, backend.Batch{Pixels: backend.Pixels(b, r.net.preprocess), Targets: targets, Weight: r.lossWeight(targets)})
}

// lossWeight is the weight of a batch in the loss, see [backend.Scored].
func (r *run) lossWeight(t autograd.Targets) float64 {
	if r.multiLabel() {
		return float64(len(t.MultiLabel) / len(r.images.train.Classes))
	}
	return r.config.NewLoss(r.classWeights).Denominator(t)
}

// uploadTargets copies the targets of a batch to the GPU, with the weights of the loss.
func (r *run) uploadTargets(s *autograd.Scope, t autograd.Targets) *autograd.UploadedTargets {
	classes := int64(len(r.images.train.Classes))
	if r.multiLabel() {
		return backend.UploadTargets(s, t, classes, r.posWeight, r.Place)
	}
	return backend.UploadTargets(s, t, classes, r.classWeights, r.Place)
}
