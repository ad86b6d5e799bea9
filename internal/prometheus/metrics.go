package prometheus

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Counter counts events. The zero value is ready to use.
type Counter struct{ n atomic.Int64 }

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Value is the count.
func (c *Counter) Value() float64 { return float64(c.n.Load()) }

// Histogram counts values by upper bounds.
type Histogram struct {
	bounds []float64 // ascending, without infinity

	mu     sync.Mutex
	counts []int64 // of values up to each bound and above the one before; the last: above all
	sum    float64
}

// NewHistogram returns an empty histogram with these upper bounds, in ascending order.
func NewHistogram(bounds []float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]int64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(x float64) {
	i, _ := slices.BinarySearch(h.bounds, x) // the first bound of at least x
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[i]++
	h.sum += x
}

// write adds the samples: cumulative counts, sum and count.
func (h *Histogram) write(t *Text, name string, labels []Label) {
	h.mu.Lock()
	defer h.mu.Unlock()
	total := int64(0)
	for i, n := range h.counts {
		total += n
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = number(h.bounds[i])
		}
		t.Sample(name+"_bucket", float64(total), append(slices.Clip(labels), Label{"le", bound})...)
	}
	t.Sample(name+"_sum", h.sum, labels...)
	t.Sample(name+"_count", float64(total), labels...)
}
