package bench

import (
	"errors"
	"math"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
)

// Steps is the number of measurements: Count and more until Least has passed, after Warmup that are discarded.
type Steps struct {
	Warmup, Count int
	Least         time.Duration
}

// errNothing is returned where Steps measure nothing.
var errNothing = errors.New("bench: nothing to measure: Count is 0")

// Timing are the times of repeated steps, and what other processes took of the processors meanwhile.
type Timing struct {
	StepMS   float64   `json:"step_ms"`      // median time of a step
	P99MS    float64   `json:"step_p99_ms"`  // 99 % of the steps took at most this; the slowest of fewer than 100
	MeanMS   float64   `json:"step_mean_ms"` // all steps take this each, also where a scheduler or a quota stops some
	Measured int       `json:"steps"`
	Load     host.Load `json:"load"`
	runs     int64     // steps with those of the warmup
}

// newTiming summarizes the seconds of steps, at least one.
func newTiming(seconds []float64, load host.Load) Timing {
	sorted := slices.Sorted(slices.Values(seconds))
	sum := 0.0
	for _, s := range sorted {
		sum += s
	}
	n := len(sorted)
	last := int(math.Ceil(0.99*float64(n))) - 1 // the nearest rank
	return Timing{StepMS: 1000 * sorted[n/2], P99MS: 1000 * sorted[last], MeanMS: 1000 * sum / float64(n), Measured: n, Load: load}
}

// measure runs f and returns its times.
func (b Steps) measure(f func() error) (Timing, error) {
	_, t, err := b.medians(func() ([]float64, error) {
		start := time.Now()
		err := f()
		return []float64{time.Since(start).Seconds()}, err
	})
	return t, err
}

// stepsAhead is the number of steps that are issued before the host waits for the first one, as in training.
const stepsAhead = 8

// queued measures steps on a GPU: issue starts one without waiting for it. It returns the times between the ends of the steps.
// The host is stepsAhead steps ahead.
func (b Steps) queued(issue func() (*autograd.Readback, error)) (Timing, error) {
	var queue []*autograd.Readback
	defer func() {
		for _, r := range queue {
			r.Discard()
		}
	}()
	last := time.Now()
	_, t, err := b.medians(func() ([]float64, error) {
		for len(queue) <= stepsAhead {
			r, err := issue()
			if err != nil {
				return nil, err
			}
			queue = append(queue, r)
		}
		_, err := queue[0].Values()
		queue = queue[1:]
		now := time.Now()
		took := now.Sub(last)
		last = now
		return []float64{took.Seconds()}, err
	})
	return t, err
}

// medians runs sample, which returns the seconds of the parts of a step and last of the whole. It returns the median of each, and
// the times of the whole.
func (b Steps) medians(sample func() ([]float64, error)) ([]float64, Timing, error) {
	for range b.Warmup {
		if _, err := sample(); err != nil {
			return nil, Timing{}, err
		}
	}
	var samples [][]float64
	load := host.WatchLoad()
	for start := time.Now(); len(samples) < b.Count || time.Since(start) < b.Least; {
		cells, err := sample()
		if err != nil {
			return nil, Timing{}, err
		}
		samples = append(samples, cells)
	}
	if samples == nil {
		return nil, Timing{}, errNothing
	}
	columns := transposed(samples)
	middle := make([]float64, len(columns))
	for i, column := range columns {
		middle[i] = slices.Sorted(slices.Values(column))[len(column)/2]
	}
	t := newTiming(columns[len(columns)-1], load())
	t.runs = int64(b.Warmup + len(samples))
	return middle, t, nil
}

// transposed returns the columns of the rows.
func transposed(rows [][]float64) [][]float64 {
	columns := make([][]float64, len(rows[0]))
	for i := range columns {
		for _, row := range rows {
			columns[i] = append(columns[i], row[i])
		}
	}
	return columns
}
