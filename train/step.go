package train

import (
	"context"
	"errors"
	"fmt"
	"io"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
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
func (r *run) trainStep(ctx context.Context, s *autograd.Scope, batches batchSource) error {
	return s.Sub(func(s *autograd.Scope) error {
		if err := r.beforeStep(s); err != nil {
			return err
		}
		r.seedStep(s)
		seen, found, err := r.forwardBackward(s, batches)
		if err != nil {
			return err
		}
		p := pendingStep{seen: seen, loss: r.pending.loss}
		if err := r.exchange(ctx, &p, &found); err != nil {
			return r.stepError(err)
		}
		if err := errors.Join(r.recordUnreadable(found.unreadable), r.recordDropped(found)); err != nil {
			return err
		}
		if p.seen.Images == 0 {
			r.Seen.add(p.seen)
			return nil // not a step: every image was unreadable, or the batch was dropped
		}
		lr := r.lr(r.Step)
		if p.norm, err = r.update(s, p.seen, lr); err != nil {
			return fmt.Errorf("train: epoch %d step %d: %w", r.Epoch+1, r.Step+1, err)
		}
		r.Step++
		p.event = report.Step{Step: r.Step, Epoch: r.Epoch + 1, Batch: r.Batch, Batches: r.loader.Batches(), LR: lr}
		p.scaled = r.scaler != nil
		r.pending.steps, r.pending.loss = append(r.pending.steps, p), nil
		return r.recordReady(s)
	})
}

// stepError adds to an error where it occurred, and what can be done if training has diverged.
func (r *run) stepError(err error) error {
	if errors.Is(err, ErrNotFinite) {
		err = fmt.Errorf("%w; %s", err, r.advice())
	}
	return fmt.Errorf("train: epoch %d step %d: %w", r.Epoch+1, r.Step+1, err)
}

// forwardBackward accumulates the gradients of the next Accumulate batches in the parameters. For
// one batch they are those of its mean loss; for more, of the sum over their images, which update
// divides by their number or, with class weights, by the sum of their weights. Losses and correct
// rows are in pending.loss.
//
// With several ranks the gradients of the last batch are averaged over ranks while they are computed, or all of the accumulated
// ones; they need no division then.
func (r *run) forwardBackward(s *autograd.Scope, batches batchSource) (seen tally, f found, err error) {
	autograd.ZeroGrads(s, r.leaves)
	for n := range r.config.Accumulate {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return seen, f, fmt.Errorf("train: epoch %d: %w", r.Epoch+1, err)
		}
		r.Batch = b.Index + 1
		seen.Skipped += len(b.Skipped)
		f.unreadable = append(f.unreadable, b.Skipped...)
		trains, err := r.takesPart(b)
		if err != nil {
			return seen, f, err
		}
		if r.ranks.several() && (n == r.config.Accumulate-1 || r.Batch == r.loader.Batches()) {
			r.beginReduction(s, b, trains, seen)
		}
		if !trains {
			f.drop(b)
			continue
		}
		if b.N == 0 {
			if err := r.runAbsent(s); err != nil {
				return seen, f, err
			}
			continue
		}
		if err := r.beforeBatch(b); err != nil {
			return seen, f, err
		}
		if err := s.Sub(func(s *autograd.Scope) error { return r.add(s, b, &seen) }); err != nil {
			return seen, f, fmt.Errorf("train: epoch %d step %d: %w", r.Epoch+1, r.Step+1, err)
		}
	}
	r.reducer.Finish(s)
	return seen, f, s.Err()
}

// beginReduction begins to average the gradients of a step over ranks, before the backward pass of its last batch.
func (r *run) beginReduction(s *autograd.Scope, b *data.Batch, trains bool, seen tally) {
	c := autograd.Contribution{Images: seen.Images, Weight: seen.Weight}
	if trains && b.N > 0 {
		c.Images += b.N
		c.Weight += r.batchWeight(b)
	}
	if r.classWeights == nil {
		c.Weight = float64(c.Images)
	}
	r.reducer.Begin(s, c)
}

// batchWeight is the weight of a batch in the loss, see [backend.Scored].
func (r *run) batchWeight(b *data.Batch) float64 {
	if r.classWeights == nil {
		return float64(b.N)
	}
	return r.lossWeight(r.mixedTargets(backend.Targets(b)))
}

// drop counts a batch of one image that batch norm cannot train on.
func (f *found) drop(b *data.Batch) {
	if b.N > 0 {
		f.dropped += b.N
		f.batch = b.Index
	}
}

// recordUnreadable records unreadable images and returns an error if there are too many.
func (r *run) recordUnreadable(skipped []data.Problem) error {
	r.unread = append(r.unread, r.firstOf(skipped)...)
	return errors.Join(r.recordSkipped(skipped), check.Unreadable(r.unread, r.images.train.Len(), check.DefaultUnreadableLimit))
}

// trainable reports whether batch norm can train on a number of images.
func (r *run) trainable(images int) bool { return images > 1 || images == 1 && r.net.trainsOnOne() }

// recordDropped records, once, that a batch of one image is skipped.
func (r *run) recordDropped(f found) error {
	const dropped = "" // not the path of an image
	if f.dropped == 0 || r.recorded[dropped] {
		return nil
	}
	r.recorded[dropped] = true
	if r.ranks.several() {
		return r.note(report.Info, fmt.Sprintf("of batch %d of epoch %d, %d images are skipped, each alone on its rank: batch norm cannot train on one value per channel; another --batch-size or --resolution avoids it", r.Batch, r.Epoch+1, f.dropped))
	}
	return r.note(report.Info, fmt.Sprintf("batch %d of epoch %d has one image and is skipped: batch norm cannot train on one value per channel; another --batch-size or --resolution avoids it", f.batch+1, r.Epoch+1))
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
	if r.config.Accumulate > 1 && !r.ranks.several() {
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
