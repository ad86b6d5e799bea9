// Package progress counts work done by several goroutines and reports it.
package progress

import "sync"

// Counter adds up work and calls a function in steps of at least a thousandth of the total.
type Counter struct {
	Total  int64
	report func(done, total int64) // may be nil

	mu             sync.Mutex
	done, reported int64
}

// New returns a counter that reports to a function, which may be nil.
func New(report func(done, total int64)) *Counter { return &Counter{report: report} }

// Add adds n.
func (c *Counter) Add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.report != nil && (c.done >= c.Total || c.done-c.reported > c.Total/1000) {
		c.reported = c.done
		c.report(c.done, c.Total)
	}
}

// Finish reports that all work is done.
func (c *Counter) Finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.report != nil && c.reported < c.Total {
		c.done, c.reported = c.Total, c.Total
		c.report(c.Total, c.Total)
	}
}
