package bench

import (
	"context"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/optim"
)

// StepSpeed is the result of Step.
type StepSpeed struct {
	ImagesPerSecond float64 `json:"train_img_s"`
	ComputeSpeed
}

// Step measures training steps: forward, backward, update. Without data all run on one synthetic
// batch; with data each step waits for its own.
func Step(ctx context.Context, c config.Config, steps Steps) (StepSpeed, error) {
	speed, err := run(ctx, c, trainingFits, func(s *autograd.Scope, b *benchmark) (Timing, error) {
		step, err := b.step(s, c)
		if err != nil {
			return Timing{}, err
		}
		return steps.measure(func() error {
			_, err := step()
			return err
		})
	})
	return StepSpeed{speed.imagesPerSecond(), speed}, err
}

// phases are the times of the phases of a training step.
type phases struct{ batch, forward, backward, update, whole time.Duration }

// step prepares training steps: each call runs one and returns its times.
func (b *benchmark) step(s *autograd.Scope, c config.Config) (func() (phases, error), error) {
	optimizer, err := c.NewOptimizer(s, b.network)
	if err != nil {
		return nil, err
	}
	return func() (phases, error) {
		var p phases
		start := time.Now()
		last := start
		lap := func(d *time.Duration) { now := time.Now(); *d, last = now.Sub(last), now }
		err := s.Sub(func(s *autograd.Scope) error {
			batch, err := b.batch()
			if err != nil {
				return err
			}
			lap(&p.batch)
			logits := b.Forward(s, b.network, backend.Pixels(batch, c.Preprocess()), autograd.Training)
			entropy := c.NewLoss(nil)
			loss, _ := b.Loss(s, entropy, logits, backend.Targets(batch))
			lap(&p.forward)
			b.Backward(s, loss)
			lap(&p.backward)
			b.Update(s, optimizer.Prepare(optim.StepOptions{LR: c.LR}))
			autograd.ZeroGrads(s, b.parameters)
			lap(&p.update)
			return s.Err()
		})
		p.whole = time.Since(start)
		return p, err
	}, nil
}
