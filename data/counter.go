package data

import "sync"

// counter adds up work done by several goroutines and tells a progress function, in
// steps of at least a thousandth.
type counter struct {
	total int64
	tell  func(done, total int64) // may be nil

	mu         sync.Mutex
	done, told int64
}

func newCounter(tell func(done, total int64)) *counter { return &counter{tell: tell} }

func (c *counter) add(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.tell != nil && (c.done >= c.total || c.done-c.told > c.total/1000) {
		c.told = c.done
		c.tell(c.done, c.total)
	}
}

// finish tells that all is done.
func (c *counter) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tell != nil && c.told < c.total {
		c.done, c.told = c.total, c.total
		c.tell(c.total, c.total)
	}
}
