package prometheus

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// Vector holds a counter or a histogram for each combination of label values. Its methods are safe for concurrent use.
type Vector[T any] struct {
	name, help string
	labels     []string
	make       func() T

	mu     sync.Mutex
	series map[string]T // by the label values, joined by separator
}

const separator = "\xff" // no byte of UTF-8

// NewCounters returns an empty vector of counters.
func NewCounters(name, help string, labels ...string) *Vector[*Counter] {
	return &Vector[*Counter]{name: name, help: help, labels: labels, make: func() *Counter { return new(Counter) }, series: map[string]*Counter{}}
}

// NewHistograms returns an empty vector of histograms with these upper bounds.
func NewHistograms(name, help string, bounds []float64, labels ...string) *Vector[*Histogram] {
	return &Vector[*Histogram]{name: name, help: help, labels: labels, make: func() *Histogram { return NewHistogram(bounds) }, series: map[string]*Histogram{}}
}

// With returns the series of these values, one for each label. The caller bounds the number of combinations.
func (v *Vector[T]) With(values ...string) T {
	key := strings.Join(values, separator)
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.series[key]
	if !ok {
		s = v.make()
		v.series[key] = s
	}
	return s
}

// Write adds the family to a text, its series in the order of their labels.
func (v *Vector[T]) Write(t *Text) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, key := range slices.Sorted(maps.Keys(v.series)) {
		var labels []Label
		for k, value := range strings.Split(key, separator) {
			labels = append(labels, Label{v.labels[k], value})
		}
		switch s := any(v.series[key]).(type) {
		case *Counter:
			if i == 0 {
				t.Family(v.name, KindCounter, v.help)
			}
			t.Sample(v.name, s.Value(), labels...)
		case *Histogram:
			if i == 0 {
				t.Family(v.name, KindHistogram, v.help)
			}
			s.write(t, v.name, labels)
		}
	}
}
