package progress

import (
	"sync"
	"testing"
)

func TestCounter(t *testing.T) {
	var reports []int64
	c := New(func(done, total int64) {
		if total != 10_000 {
			t.Errorf("total %d", total)
		}
		reports = append(reports, done)
	})
	c.Total = 10_000
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2400 {
				c.Add(1)
			}
		})
	}
	wg.Wait()
	c.Finish()
	if n := len(reports); n < 500 || n > 1001 || reports[n-1] != 10_000 {
		t.Errorf("%d reports, the last %d", n, reports[n-1])
	}
	c.Finish()
	if n := len(reports); reports[n-1] != 10_000 || n > 1 && reports[n-2] == 10_000 {
		t.Error("the end was reported twice")
	}
	New(nil).Add(1) // without a function
}
