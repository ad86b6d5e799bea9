package batching

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// pool returns a pool of n workers, the numbers from 0.
func pool(n, length int) *Pool[int, int] {
	workers := make([]int, n)
	for i := range workers {
		workers[i] = i
	}
	return NewPool[int, int](workers, length)
}

// block occupies a worker until release is called. It returns once the job runs.
func block(t *testing.T, p *Pool[int, int], ctx context.Context) (release func(), ended <-chan error) {
	t.Helper()
	runs, free, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		_, err := p.Do(ctx, func(context.Context, int) (int, error) {
			close(runs)
			<-free
			return 0, nil
		})
		done <- err
	}()
	<-runs
	return func() { close(free) }, done
}

// waitFor waits until the statistics are as wanted.
func waitFor(p *Pool[int, int], wanted func(PoolStats) bool) {
	for !wanted(p.Stats()) {
		runtime.Gosched()
	}
}

func value(v int) func(context.Context, int) (int, error) {
	return func(context.Context, int) (int, error) { return v, nil }
}

func TestPoolReturnsResults(t *testing.T) {
	p := pool(3, 100)
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			if got, err := p.Do(t.Context(), value(i)); got != i || err != nil {
				t.Errorf("got %d, error %v; want %d", got, err, i)
			}
		})
	}
	wait.Wait()
	broken := errors.New("broken")
	if _, err := p.Do(t.Context(), func(context.Context, int) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if s := p.Stats(); s != (PoolStats{Done: 101}) {
		t.Errorf("stats %+v", s)
	}
}

// TestPoolRunsAsManyJobsAsWorkers: no worker has two jobs at the same time.
func TestPoolRunsAsManyJobsAsWorkers(t *testing.T) {
	p := pool(2, 1000)
	var mu sync.Mutex
	busy := map[int]bool{}
	var wait sync.WaitGroup
	for range 200 {
		wait.Go(func() {
			_, err := p.Do(t.Context(), func(_ context.Context, worker int) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				if busy[worker] {
					t.Error("a worker has two jobs")
				}
				busy[worker] = true
				mu.Unlock()
				mu.Lock()
				busy[worker] = false
				return 0, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}

// TestAbandonedJobKeepsItsWorker: its caller returns at once, and no other job takes its memory before it
// ends.
func TestAbandonedJobKeepsItsWorker(t *testing.T) {
	p := pool(1, 10)
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := block(t, p, ctx)
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("the caller got %v", err)
	}
	if s := p.Stats(); s.Running != 1 || s.Done != 0 {
		t.Errorf("stats %+v", s)
	}
	second := make(chan int, 1)
	go func() {
		v, err := p.Do(t.Context(), value(7))
		if err != nil {
			t.Error(err)
		}
		second <- v
	}()
	waitFor(p, func(s PoolStats) bool { return s.Waiting == 1 })
	select {
	case <-second:
		t.Error("a second job ran on the worker")
	default:
	}
	release()
	if v := <-second; v != 7 {
		t.Errorf("got %d", v)
	}
}

// TestPoolRefusesAndDrops: of one worker and two places, the fourth request is refused at once, and one whose
// context ends never runs.
func TestPoolRefusesAndDrops(t *testing.T) {
	p := pool(1, 2)
	release, ended := block(t, p, t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 2)
	never := func(context.Context, int) (int, error) { t.Error("a dropped job ran"); return 0, nil }
	go func() { _, err := p.Do(ctx, never); results <- err }()
	waitFor(p, func(s PoolStats) bool { return s.Waiting == 1 })
	go func() { _, err := p.Do(t.Context(), value(1)); results <- err }()
	waitFor(p, func(s PoolStats) bool { return s.Waiting == 2 })
	if _, err := p.Do(t.Context(), never); err != ErrFull {
		t.Errorf("the fourth: %v", err)
	}
	cancel()
	if err := <-results; err != context.Canceled {
		t.Errorf("the second: %v", err)
	}
	release()
	if err := errors.Join(<-ended, <-results); err != nil {
		t.Error(err)
	}
	if _, err := p.Do(ctx, never); err != context.Canceled {
		t.Errorf("a context that has ended: %v", err)
	}
	if s := p.Stats(); s != (PoolStats{Done: 2, Refused: 1, Dropped: 1}) {
		t.Errorf("stats %+v", s)
	}
}

func TestPanicOfAJobIsAnError(t *testing.T) {
	p := pool(1, 1)
	for range 2 { // the worker is free again
		_, err := p.Do(t.Context(), func(context.Context, int) (int, error) { panic("broken") })
		var panicked *PanicError
		if !errors.As(err, &panicked) || panicked.Value != "broken" || len(panicked.Stack) == 0 {
			t.Errorf("error %v", err)
		}
	}
}

// TestPoolClose: those that wait are refused, the running job is awaited, each worker is freed once.
func TestPoolClose(t *testing.T) {
	p := pool(2, 10)
	release, ended := block(t, p, t.Context())
	release2, ended2 := block(t, p, t.Context())
	waiting := make(chan error, 1)
	go func() { _, err := p.Do(t.Context(), value(1)); waiting <- err }()
	waitFor(p, func(s PoolStats) bool { return s.Waiting == 1 })
	closed := make(chan []int)
	go func() {
		var freed []int
		p.Close(func(w int) { freed = append(freed, w) })
		closed <- freed
	}()
	if err := <-waiting; err != ErrClosed {
		t.Errorf("the waiting one: %v", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait for the running jobs")
	default:
	}
	release()
	release2()
	freed := <-closed
	slices.Sort(freed)
	if err := errors.Join(<-ended, <-ended2); err != nil || !slices.Equal(freed, []int{0, 1}) {
		t.Errorf("error %v, freed %v", err, freed)
	}
	if _, err := p.Do(t.Context(), value(1)); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	p.Close(func(int) { t.Error("a worker was freed twice") })
}

// BenchmarkPool measures what a job costs besides its work.
func BenchmarkPool(b *testing.B) {
	p := pool(2, 1000)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Do(b.Context(), value(1)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
