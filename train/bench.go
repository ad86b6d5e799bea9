package train

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/data"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// BenchSteps is how often something is measured: Count times, after Warmup
// times that do not count.
type BenchSteps struct{ Warmup, Count int }

// median runs f as often as it says and returns the middle time.
func (b BenchSteps) median(f func() error) (time.Duration, error) {
	var times []time.Duration
	for i := range b.Warmup + b.Count {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		if i >= b.Warmup {
			times = append(times, time.Since(start))
		}
	}
	if times == nil {
		return 0, errors.New("train: bench: nothing to measure: Count is 0")
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// ComputeSpeed is what a computation reached.
type ComputeSpeed struct {
	StepMS     float64 `json:"step_ms"` // median time of one batch
	Batch      int     `json:"batch"`
	Resolution int     `json:"resolution"`
	Width      float64 `json:"width"`
	Precision  string  `json:"precision"`
	Kernels    string  `json:"kernels"`      // torch, or fused with its instruction set
	Fused      int64   `json:"fused_layers"` // computed by fused kernels, in all steps, forward and backward
	Threads    int     `json:"threads"`
	PeakRSSMB  int64   `json:"peak_rss_mb"`
}

func (c ComputeSpeed) imagesPerSecond() float64 { return 1000 * float64(c.Batch) / c.StepMS }

// StepSpeed is what BenchStep measures.
type StepSpeed struct {
	ImagesPerSecond float64 `json:"train_img_s"`
	ComputeSpeed
}

// InferSpeed is what BenchInfer measures.
type InferSpeed struct {
	ImagesPerSecond float64 `json:"infer_img_s"`
	ComputeSpeed
}

// BenchStep measures training steps: forward, backward, update. Without data
// they run on one synthetic batch; with data each step waits for its own.
func BenchStep(ctx context.Context, c Config, steps BenchSteps) (StepSpeed, error) {
	speed, err := bench(ctx, c, func(s *autograd.Scope, b *benched) (time.Duration, error) {
		step, err := b.step(s, c)
		if err != nil {
			return 0, err
		}
		return steps.median(func() error {
			_, err := step()
			return err
		})
	})
	return StepSpeed{speed.imagesPerSecond(), speed}, err
}

// BenchInfer measures forward passes in evaluation, on one synthetic batch or
// on the first of the data.
func BenchInfer(ctx context.Context, c Config, steps BenchSteps) (InferSpeed, error) {
	speed, err := bench(ctx, c, func(s *autograd.Scope, b *benched) (time.Duration, error) {
		batch, err := b.batch()
		if err != nil {
			return 0, err
		}
		x, inference := pixelsOf(batch, c.Preprocess()), b.inference(s, b.network)
		return steps.median(func() error {
			return s.Sub(func(s *autograd.Scope) error {
				s.Item(s.Sum(inference.ForwardPixels(s, x)))
				return s.Err()
			})
		})
	})
	return InferSpeed{speed.imagesPerSecond(), speed}, err
}

// phases are what a training step spends its time on.
type phases struct{ batch, forward, backward, update, whole time.Duration }

// step prepares training steps: each call makes one and tells its times.
func (b *benched) step(s *autograd.Scope, c Config) (func() (phases, error), error) {
	optimizer, err := c.NewOptimizer(s, b.network.Parameters())
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
			logits := b.forward(s, b.network, pixelsOf(batch, c.Preprocess()), autograd.Training)
			loss, _ := b.score(s, autograd.CrossEntropy{LabelSmoothing: c.LabelSmoothing}, logits, batch)
			lap(&p.forward)
			s.Backward(loss)
			lap(&p.backward)
			b.apply(s, optimizer.Prepare(optim.StepOptions{LR: c.LR}))
			autograd.ZeroGrads(s, b.parameters)
			lap(&p.update)
			return s.Err()
		})
		p.whole = time.Since(start)
		return p, err
	}, nil
}

// benched is a network on the machine, with where its batches come from.
type benched struct {
	machine
	network    *mobilenet.Network
	parameters autograd.List
	batch      func() (*data.Batch, error) // the next one
}

// bench sets up the network and its batches, lets f measure, and fills in the rest.
func bench(ctx context.Context, c Config, f func(*autograd.Scope, *benched) (time.Duration, error)) (ComputeSpeed, error) {
	if err := c.validateBench(); err != nil {
		return ComputeSpeed{}, err
	}
	speed := ComputeSpeed{Batch: c.BatchSize, Resolution: c.Model.Resolution, Width: c.Model.Width}
	err := autograd.Run(ctx, func(s *autograd.Scope) error {
		m, err := newMachine(s, c.compute())
		if err != nil {
			return err
		}
		b := &benched{machine: m}
		if c.Data == "" {
			batch := synthetic(&c)
			b.batch = func() (*data.Batch, error) { return batch, nil }
		} else {
			images, err := openStream(ctx, c)
			if err != nil {
				return err
			}
			defer images.Close()
			if c.Model.Classes == 0 {
				c.Model.Classes = images.classes
			}
			b.batch = images.next
		}
		b.network = mobilenet.New(s, c.Model, c.Seed)
		b.network.To(s, m.device)
		b.network.Kernels = m.kernels
		for _, p := range b.network.Parameters() {
			b.parameters = append(b.parameters, p.Tensor)
		}
		if err := s.Err(); err != nil {
			return err
		}
		before := autograd.BackboneCount()
		took, err := f(s, b)
		speed.StepMS = 1000 * took.Seconds()
		speed.Precision, speed.Threads, speed.Kernels = string(m.Precision), m.Threads, m.Kernels
		speed.Fused = autograd.BackboneCount() - before
		return err
	})
	speed.PeakRSSMB = peakRSS()
	return speed, err
}

// synthetic is a batch of noise.
func synthetic(c *Config) *data.Batch {
	if c.Model.Classes == 0 {
		c.Model.Classes = 1000
	}
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	size := c.Model.Resolution
	b := &data.Batch{N: c.BatchSize, Height: size, Width: size, Pixels: make([]uint8, c.BatchSize*size*size*3), Labels: make([]int64, c.BatchSize)}
	for i := range b.Pixels {
		b.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.Int64N(int64(c.Model.Classes))
	}
	return b
}

// validateBench is Validate for what needs no data.
func (c Config) validateBench() error {
	var v validator
	v.model(c)
	v.check(c.BatchSize >= 1, "batch_size", c.BatchSize, "must be at least 1")
	v.augmentation(c)
	v.machine(c)
	return v.orNil()
}

// peakRSS is the most memory that the process has held, in megabytes.
func peakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss >> 20 // bytes there
	}
	return u.Maxrss >> 10 // kilobytes
}
