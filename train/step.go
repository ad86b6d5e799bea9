package train

import (
	"errors"
	"fmt"
	"io"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/data/check"
	"depthwise.dev/optim"
	"depthwise.dev/report"
)

// ErrNotFinite is returned when the loss, a gradient or a parameter is infinite or NaN. No
// checkpoint is written then.
var ErrNotFinite = errors.New("not a finite number")

// trainStep is one optimizer step: next batches, forward, backward, clip and update, record. Batches
// without an image to train on are read and make no step. On a GPU it records the earlier steps
// whose results have arrived.
func (r *run) trainStep(s *autograd.Scope, batches batchSource) error {
	return s.Sub(func(s *autograd.Scope) error {
		if err := r.beforeStep(s); err != nil {
			return err
		}
		seen, err := r.forwardBackward(s, batches)
		if err != nil {
			return err
		}
		if seen.Images == 0 {
			r.Seen.add(seen)
			return nil // not a step: every image was unreadable, or the batch was dropped
		}
		lr := r.lr(r.Step)
		norm, err := r.update(s, seen, lr)
		if err != nil {
			return fmt.Errorf("train: epoch %d step %d: %w", r.Epoch+1, r.Step+1, err)
		}
		r.Step++
		event := report.Step{Step: r.Step, Epoch: r.Epoch + 1, Batch: r.Batch, Batches: r.loader.Batches(), LR: lr}
		r.pending.steps = append(r.pending.steps, pendingStep{event: event, seen: seen, loss: r.pending.loss, norm: norm, scaled: r.scaler != nil})
		r.pending.loss = nil
		return r.recordReady(s)
	})
}

// forwardBackward accumulates the gradients of the next Accumulate batches in the parameters. For
// one batch they are those of its mean loss; for more, of the sum over their images, which update
// divides by their number or, with class weights, by the sum of their weights. Losses and correct
// rows are in pending.loss.
func (r *run) forwardBackward(s *autograd.Scope, batches batchSource) (tally, error) {
	autograd.ZeroGrads(s, r.leaves)
	var seen tally
	for range r.config.Accumulate {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return seen, fmt.Errorf("train: epoch %d: %w", r.Epoch+1, err)
		}
		r.Batch = b.Index + 1
		seen.Skipped += len(b.Skipped)
		if err := r.recordUnreadable(b.Skipped); err != nil {
			return seen, err
		}
		if !r.trainable(b) {
			if err := r.recordDropped(b); err != nil {
				return seen, err
			}
			continue
		}
		if err := r.beforeBatch(b); err != nil {
			return seen, err
		}
		if err := s.Sub(func(s *autograd.Scope) error { return r.add(s, b, &seen) }); err != nil {
			return seen, fmt.Errorf("train: epoch %d step %d: %w", r.Epoch+1, r.Step+1, err)
		}
	}
	return seen, nil
}

// recordUnreadable records unreadable images and returns an error if there are too many.
func (r *run) recordUnreadable(skipped []data.Problem) error {
	r.unread = append(r.unread, r.firstOf(skipped)...)
	return errors.Join(r.recordSkipped(skipped), check.Unreadable(r.unread, r.images.train.Len(), check.DefaultUnreadableLimit))
}

// trainable reports whether batch norm can train on a batch.
func (r *run) trainable(b *data.Batch) bool { return b.N > 1 || b.N == 1 && r.net.trainsOnOne() }

// recordDropped records, once, that a batch of one image is skipped.
func (r *run) recordDropped(b *data.Batch) error {
	const dropped = "" // not the path of an image
	if b.N == 0 || r.recorded[dropped] {
		return nil
	}
	r.recorded[dropped] = true
	return r.note(report.Info, fmt.Sprintf("batch %d of epoch %d has one image and is skipped: batch norm cannot train on one value per channel; another --batch-size or --resolution avoids it", b.Index+1, r.Epoch+1))
}

// add runs one batch forward and backward.
func (r *run) add(s *autograd.Scope, b *data.Batch, seen *tally) error {
	scored := r.runBatch(s, b)
	if err := errors.Join(s.Err(), r.noteGraphs()); err != nil {
		return err
	}
	r.pending.loss = append(r.pending.loss, pendingLoss{scored: r.late(scored.Read(s)), weight: scored.Weight})
	seen.Images += b.N
	if r.classWeights != nil {
		seen.Weight += scored.Weight
	}
	return s.Err()
}

// update clips and applies the gradients, and returns their norm before clipping (0 without
// clipping).
func (r *run) update(s *autograd.Scope, seen tally, lr float64) (norm readback, err error) {
	o := optim.StepOptions{LR: lr, MaxGradNorm: r.config.ClipGradNorm, Average: r.averageDue(), Scaler: r.scaler}
	if r.config.Accumulate > 1 {
		o.GradScale = 1 / seen.weight()
	}
	b := r.Update(s, r.optimizer.Prepare(o))
	if s.Err() != nil {
		return nil, s.Err()
	}
	r.restartAverage()
	return r.late(b), nil
}

func (r *run) advice() string {
	changes := "a lower --lr, a longer --warmup-epochs or --clip-grad-norm 1"
	if r.Precision == autograd.FP16 {
		changes = "a lower --lr, a longer --warmup-epochs, --clip-grad-norm 1 or --precision fp32"
	}
	return fmt.Sprintf("training has diverged; start again in another --out with %s; resuming %s would diverge again", changes, r.folder.dir)
}
