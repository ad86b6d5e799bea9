package bench

import (
	"errors"
	"slices"
	"time"
)

// Steps is the number of measurements: Count, after Warmup that are discarded.
type Steps struct{ Warmup, Count int }

// median runs f and returns the median time.
func (b Steps) median(f func() error) (time.Duration, error) {
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
		return 0, errors.New("bench: nothing to measure: Count is 0")
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// medians runs sample and returns the median of each of its numbers.
func (b Steps) medians(sample func() ([]float64, error)) ([]float64, error) {
	var samples [][]float64
	for i := range b.Warmup + b.Count {
		cells, err := sample()
		if err != nil {
			return nil, err
		}
		if i >= b.Warmup {
			samples = append(samples, cells)
		}
	}
	if samples == nil {
		return nil, errors.New("bench: nothing to measure: Count is 0")
	}
	return medians(samples), nil
}

// medians returns the median of each cell over the samples.
func medians(samples [][]float64) []float64 {
	middle := make([]float64, len(samples[0]))
	for i := range middle {
		var column []float64
		for _, s := range samples {
			column = append(column, s[i])
		}
		slices.Sort(column)
		middle[i] = column[len(column)/2]
	}
	return middle
}
