package train

import (
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
)

// loss computes the trainer's loss of a batch's logits, or the configured one.
func (r *run) loss(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) (*autograd.Tensor, backend.Scored) {
	if r.trainer.Loss.Compute == nil && r.multiLabel() {
		return r.multiLabelLoss(s, logits, t)
	}
	if r.trainer.Loss.Compute == nil {
		return r.Loss(s, r.config.NewLoss(r.classWeights), logits, r.mixedTargets(t))
	}
	loss := r.trainer.Loss.Compute(s, logits, t)
	if s.Err() != nil {
		return nil, backend.Scored{}
	}
	return loss, backend.NewScored(s, loss, logits, t, float64(logits.Shape()[0]))
}

// mixedTargets makes a batch of a single image, which is not mixed, like the other batches of a run that mixes images:
// with class weights their mean losses have different denominators, see [autograd.CrossEntropy].
func (r *run) mixedTargets(t autograd.Targets) autograd.Targets {
	mixes := r.config.MixUp > 0 || r.config.CutMix > 0
	if r.classWeights == nil || !mixes || len(t.MixedLabels) > 0 {
		return t
	}
	t.MixedLabels, t.Lambda = t.Labels, 1
	return t
}

// validateLoss refuses settings of the configured loss beside the trainer's own.
func (t Trainer) validateLoss(c config.Config) error {
	d := config.Default()
	if t.Loss.Compute == nil || c.Loss == d.Loss && c.ClassWeights == d.ClassWeights && c.PosWeight == d.PosWeight {
		return nil
	}
	return fmt.Errorf("train: the trainer's loss %q replaces the configured one: the settings loss %s, class_weights %s and pos_weight %s would have no effect",
		t.Loss.Name, c.Loss, c.ClassWeights, c.PosWeight)
}
