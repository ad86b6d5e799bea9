package classifier

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// step is a part of the forward pass that the goroutines of a run divide into chunks. Every value is computed in the same
// way whatever chunk it belongs to and whichever goroutine computes it.
type step struct {
	chunks  int
	compute func(r *run, w *worker, chunk int)
}

// run is the memory of one forward pass.
type run struct {
	input   []float32   // (rows, columns, channels)
	slots   [][]float32 // activations; several layers have the same slot after one another
	workers []*worker

	steps []step
	state atomic.Uint64 // number of the step << 32 | chunks that goroutines have taken of it
	done  atomic.Int64  // chunks of the step that are complete
}

// worker is the memory of a goroutine.
type worker struct {
	block, last []float32
}

// rows returns memory for a block of the left side of a product.
func (w *worker) rows(n int) []float32 { return grow(&w.block, n) }

// tail returns memory for the result of a matrix's last panel.
func (w *worker) tail(n int) []float32 { return grow(&w.last, n) }

func grow(buffer *[]float32, n int) []float32 {
	if cap(*buffer) < n {
		*buffer = make([]float32, n)
	}
	return (*buffer)[:n]
}

const chunkBits = 1<<32 - 1

// execute runs the steps. Other goroutines help, as many as claimGoroutines permits; they live until the end of the pass,
// and wait between steps without giving up their thread unless another goroutine needs it.
func (r *run) execute() {
	helpers := claimGoroutines(maxGoroutines - 1)
	defer busy.Add(-int64(helpers) - 1)
	for len(r.workers) < helpers+1 {
		r.workers = append(r.workers, new(worker))
	}
	r.done.Store(0)
	r.state.Store(0)
	var group sync.WaitGroup
	for i := range helpers {
		group.Add(1)
		go func() {
			defer group.Done()
			r.help(r.workers[i+1])
		}()
	}
	for s := range r.steps {
		if s > 0 { // step 0 began with the helpers
			r.done.Store(0)
			r.state.Store(uint64(s) << 32)
		}
		for r.take(r.workers[0]) {
		}
		for i := 0; r.done.Load() < int64(r.steps[s].chunks); i++ {
			yield(i)
		}
	}
	r.state.Store(uint64(len(r.steps)) << 32)
	group.Wait()
}

// help computes chunks until the pass ends.
func (r *run) help(w *worker) {
	for i := 0; r.state.Load()>>32 < uint64(len(r.steps)); i++ {
		if r.take(w) {
			i = 0
		}
		yield(i)
	}
}

// take computes a chunk of the current step; false if all have been taken.
func (r *run) take(w *worker) bool {
	now := r.state.Load()
	if s := now >> 32; s >= uint64(len(r.steps)) || now&chunkBits >= uint64(r.steps[s].chunks) {
		return false
	}
	now = r.state.Add(1) // the step may have changed: what counts is the one that the sum names
	s, chunk := now>>32, int(now&chunkBits)-1
	if s >= uint64(len(r.steps)) || chunk >= r.steps[s].chunks {
		return false
	}
	r.steps[s].compute(r, w, chunk)
	r.done.Add(1)
	return true
}

// yield lets other goroutines run after some attempts.
func yield(attempt int) {
	if attempt%64 == 63 {
		runtime.Gosched()
	}
}

// maxGoroutines is the largest number of goroutines of a pass; layers of 7x7 positions have too little work for more.
const maxGoroutines = 16

// busy counts the goroutines of all passes.
var busy atomic.Int64

// claimGoroutines counts the caller as busy, and as many helpers as processors are left, at most limit.
func claimGoroutines(limit int) (helpers int) {
	busy.Add(1)
	for helpers < limit {
		now := busy.Load()
		if now >= int64(runtime.GOMAXPROCS(0)) {
			break
		}
		if busy.CompareAndSwap(now, now+1) {
			helpers++
		}
	}
	return helpers
}
