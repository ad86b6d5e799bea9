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
		if b.Place == autograd.CPU {
			return steps.measure(func() error {
				_, err := step()
				return err
			})
		}
		return steps.queued(func() (*autograd.Readback, error) {
			_, err := step()
			return b.computed, err
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
	run := b.NewSteps(s, b.reducer == nil)
	run.Leaves = b.parameters
	options := optim.StepOptions{LR: c.LR}
	scaled := func(_ *autograd.Scope, loss *autograd.Tensor) *autograd.Tensor { return loss }
	if b.Precision == autograd.FP16 {
		options.Scaler = optim.NewLossScaler(s, b.Place)
		scaled = options.Scaler.Scale
	}
	classes := int64(b.network.Graph.Classes())
	entropy := c.NewLoss(nil)
	var p phases
	last := time.Now()
	lap := func(d *time.Duration) { now := time.Now(); *d, last = now.Sub(last), now }
	run.Upload = func(s *autograd.Scope, t autograd.Targets) *autograd.UploadedTargets {
		return backend.UploadTargets[float64](s, t, classes, nil, b.Place)
	}
	run.Compute = func(s *autograd.Scope, in backend.Batch) backend.Scored {
		loss, scored := b.Loss(s, entropy, b.Forward(s, b.network, in.Pixels, autograd.Training), in.Targets)
		lap(&p.forward)
		b.Backward(s, scaled(s, loss))
		return scored
	}
	return func() (phases, error) {
		p = phases{}
		start := time.Now()
		last = start
		err := s.Sub(func(s *autograd.Scope) error {
			batch, err := b.batch()
			if err != nil {
				return err
			}
			lap(&p.batch)
			b.reducer.Begin(s, autograd.Contribution{Images: batch.N, Weight: float64(batch.N)})
			scored := run.Run(s, backend.Batch{Pixels: backend.Pixels(batch, c.Preprocess()), Targets: backend.Targets(batch), Weight: float64(batch.N)})
			b.reducer.Finish(s)
			lap(&p.backward)
			if norm := b.Update(s, optimizer.Prepare(options)); norm != nil {
				norm.Discard()
			}
			autograd.ZeroGrads(s, b.parameters)
			b.computed = scored.Read(s)
			lap(&p.update)
			return s.Err()
		})
		p.whole = time.Since(start)
		return p, err
	}, nil
}
