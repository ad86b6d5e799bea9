package bench

import (
	"context"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
)

// InferSpeed is the result of Infer.
type InferSpeed struct {
	ImagesPerSecond float64 `json:"infer_img_s"`
	ComputeSpeed
}

// Infer measures inference, on one synthetic batch or on the first of the data.
func Infer(ctx context.Context, c config.Config, steps Steps) (InferSpeed, error) {
	speed, err := run(ctx, c, inferenceFits, func(s *autograd.Scope, b *benchmark) (Timing, error) {
		batch, err := b.batch()
		if err != nil {
			return Timing{}, err
		}
		x, inference := backend.Pixels(batch, c.Preprocess()), b.Inference(s, b.network)
		if b.Place != autograd.CPU {
			return steps.queued(func() (computed *autograd.Readback, err error) {
				err = s.Sub(func(s *autograd.Scope) error {
					computed = s.ReadLater(s.Sum(inference.ForwardPixels(s, x)))
					return s.Err()
				})
				return computed, err
			})
		}
		return steps.measure(func() error {
			return s.Sub(func(s *autograd.Scope) error {
				s.Item(s.Sum(inference.ForwardPixels(s, x)))
				return s.Err()
			})
		})
	})
	return InferSpeed{speed.imagesPerSecond(), speed}, err
}
