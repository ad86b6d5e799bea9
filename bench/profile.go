package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/distributed"
)

// leastWarmup are the steps before a reducer has its final buckets, and times of them.
const leastWarmup = 2

// profileStep measures training steps of this process by itself, with the gradient buckets of several ranks.
func (b *benchmark) profileStep(s *autograd.Scope, c config.Config, steps Steps) (StepProfile, Timing, error) {
	alone, err := autograd.LocalProcessGroups(1)
	if err != nil {
		return StepProfile{}, Timing{}, err
	}
	defer alone[0].FreeLocal()
	var p StepProfile
	var timing Timing
	err = s.Sub(func(s *autograd.Scope) error {
		step, err := b.stepOfRank(s, c, alone[0])
		if err != nil {
			return err
		}
		steps.Warmup = max(steps.Warmup, leastWarmup)
		middle, t, err := steps.medians(func() ([]float64, error) {
			start := time.Now()
			if err := step(); err != nil {
				return nil, err
			}
			return append(readySeconds(b.reducer.Times()), time.Since(start).Seconds()), nil
		})
		if err != nil {
			return err
		}
		timing, p = t, newProfile(b.reducer.Times(), middle)
		for _, n := range b.network.Buffers() {
			p.StatisticsBytes += 8 * n.Tensor.Numel()
		}
		return nil
	})
	return p, timing, err
}

// readySeconds are when the buckets of a step were ready, and last the end of the backward pass.
func readySeconds(t autograd.ReducerTimes) []float64 {
	var seconds []float64
	for _, b := range t.Buckets {
		seconds = append(seconds, b.Begun.Seconds())
	}
	return append(seconds, t.Finish.Seconds())
}

// newProfile makes a profile of the medians of readySeconds and of the whole step.
func newProfile(t autograd.ReducerTimes, middle []float64) StepProfile {
	n := len(t.Buckets)
	p := StepProfile{BackwardMS: 1000 * middle[n], StepMS: 1000 * middle[n+1]}
	for i, b := range t.Buckets {
		p.Buckets = append(p.Buckets, Bucket{ReadyMS: 1000 * middle[i], Bytes: b.Bytes})
	}
	return p
}

// stepOfRank prepares training steps of a rank. They end with s.
func (b *benchmark) stepOfRank(s *autograd.Scope, c config.Config, p *autograd.ProcessGroup) (func() error, error) {
	o := autograd.ReducerOptions{Parameters: b.parameters}
	for _, n := range b.network.Buffers() {
		o.Statistics = append(o.Statistics, n.Tensor)
	}
	b.reducer = autograd.NewGradientReducer(s, p, o)
	step, err := b.step(s, c)
	if err != nil {
		return nil, err
	}
	return func() error {
		if _, err := step(); err != nil {
			return err
		}
		return autograd.Synchronize(b.Place)
	}, s.Err()
}

// timeSteps measures training steps of the ranks of a group together.
func (b *benchmark) timeSteps(ctx context.Context, s *autograd.Scope, c config.Config, g *distributed.Group, steps Steps) (t Timing, exposed float64, err error) {
	if steps, err = agreedSteps(g, steps); err != nil {
		return t, 0, err
	}
	err = s.Sub(func(s *autograd.Scope) error {
		step, err := b.stepOfRank(s, c, g.Process())
		if err != nil {
			return err
		}
		once := func() (time.Duration, error) {
			start := time.Now()
			err := errors.Join(ctx.Err(), step())
			if err == nil {
				err = g.Sum(make([]float64, agreementBytes/8))
			}
			return time.Since(start), err
		}
		var last time.Duration
		for range max(steps.Warmup, leastWarmup) {
			if last, err = once(); err != nil {
				return err
			}
		}
		count, err := agreedCount(g, steps, last)
		if err != nil {
			return err
		}
		seconds, waited := make([]float64, count), make([]float64, count)
		watch := watchRanks(g)
		for i := range seconds {
			took, err := once()
			if err != nil {
				return err
			}
			seconds[i], waited[i] = took.Seconds(), b.reducer.Times().Waited.Seconds()
		}
		load, err := watch()
		t, exposed = newTiming(seconds, load), 1000*slices.Sorted(slices.Values(waited))[count/2]
		return err
	})
	return t, exposed, err
}
