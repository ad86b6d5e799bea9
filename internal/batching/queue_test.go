package batching

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// answer is the result of a call of Do.
type answer struct {
	out int
	err error
}

// harness is a queue whose batches the test releases one by one.
type harness struct {
	*Queue[int, int]
	batches chan []int    // receives each batch when it starts
	release chan error    // the error that ends the batch; nil: each result is twice its input
	served  chan struct{} // closed when Serve has returned
}

func newHarness(s Settings) *harness {
	b := &harness{Queue: New[int, int](s), batches: make(chan []int), release: make(chan error), served: make(chan struct{})}
	go func() {
		defer close(b.served)
		b.Serve(func(in []int) ([]int, error) {
			b.batches <- slices.Clone(in)
			out := make([]int, len(in))
			for i, n := range in {
				out[i] = 2 * n
			}
			return out, <-b.release
		})
	}()
	return b
}

// ask calls Do in a new goroutine and returns when that is blocked or done.
func (b *harness) ask(ctx context.Context, n int) <-chan answer {
	is := make(chan answer, 1)
	go func() {
		out, err := b.Do(ctx, n)
		is <- answer{out, err}
	}()
	synctest.Wait()
	return is
}

// expect checks the next batch and releases it with err.
func (b *harness) expect(t *testing.T, err error, want ...int) {
	t.Helper()
	if got := <-b.batches; !slices.Equal(got, want) {
		t.Errorf("the batch is %v, want %v", got, want)
	}
	b.release <- err
	synctest.Wait()
}

func want(t *testing.T, answers <-chan answer, out int, err error) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-answers:
		if got.out != out || !errors.Is(got.err, err) {
			t.Errorf("got %d, %v; want %d, %v", got.out, got.err, out, err)
		}
	default:
		t.Errorf("no answer; want %d, %v", out, err)
	}
}

// TestBatches checks that an idle queue computes a request immediately and that the requests that
// arrive meanwhile form the next batches, in order and of at most the configured size.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), newHarness(Settings{Batch: 3, Length: 10})
		var is []<-chan answer
		for n := range 6 {
			is = append(is, b.ask(ctx, n))
		}
		b.expect(t, nil, 0)
		b.expect(t, nil, 1, 2, 3)
		b.expect(t, nil, 4, 5)
		for n, i := range is {
			want(t, i, 2*n, nil)
		}
		if got := b.Stats(); got != (Stats{Computed: 6, Batches: 3}) {
			t.Errorf("stats %+v", got)
		}
		b.Close()
		<-b.served
	})
}

// TestFull checks that requests beyond the length are rejected immediately, and accepted again
// after a batch was removed.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), newHarness(Settings{Batch: 2, Length: 2})
		first, second, third := b.ask(ctx, 1), b.ask(ctx, 2), b.ask(ctx, 3)
		want(t, b.ask(ctx, 4), 0, ErrFull)
		b.expect(t, nil, 1)
		fifth := b.ask(ctx, 5)
		b.expect(t, nil, 2, 3)
		b.expect(t, nil, 5)
		for n, is := range map[int]<-chan answer{1: first, 2: second, 3: third, 5: fifth} {
			want(t, is, 2*n, nil)
		}
		if got := b.Stats(); got.Refused != 1 || got.Computed != 4 {
			t.Errorf("stats %+v", got)
		}
		b.Close()
		<-b.served
	})
}

// TestCanceled checks that Do returns immediately when its context ends. A waiting request frees
// its place and is not computed; a batch being computed continues.
func TestCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newHarness(Settings{Batch: 4, Length: 3})
		computing, stop := context.WithCancel(t.Context())
		first := b.ask(computing, 1)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		waiting := b.ask(short, 2)
		third, fourth := b.ask(t.Context(), 3), b.ask(t.Context(), 4)
		want(t, b.ask(t.Context(), 5), 0, ErrFull)
		time.Sleep(2 * time.Second)
		want(t, waiting, 0, context.DeadlineExceeded)
		sixth := b.ask(t.Context(), 6) // in the place of 2
		stop()
		want(t, first, 0, context.Canceled)
		want(t, b.ask(computing, 7), 0, context.Canceled)
		b.expect(t, nil, 1)
		b.expect(t, nil, 3, 4, 6)
		want(t, third, 6, nil)
		want(t, fourth, 8, nil)
		want(t, sixth, 12, nil)
		if got := b.Stats(); got != (Stats{Computed: 4, Batches: 2, Refused: 1, Dropped: 1}) {
			t.Errorf("stats %+v", got)
		}
		b.Close()
		<-b.served
	})
}

// TestCanceledBeforeNext checks that next drops requests whose context has ended but whose
// goroutine has not run yet.
func TestCanceledBeforeNext(t *testing.T) {
	q := New[int, int](Settings{Batch: 2, Length: 9})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for n, ctx := range []context.Context{ended, t.Context(), ended, t.Context(), t.Context()} {
		if err := q.add(&request[int, int]{ctx: ctx, in: n, done: make(chan result[int], 1)}); err != nil {
			t.Fatal(err)
		}
	}
	batch := q.next()
	if len(batch) != 2 || batch[0].in != 1 || batch[1].in != 3 {
		t.Errorf("a batch of %d", len(batch))
	}
	if got := q.Stats(); got != (Stats{Computed: 2, Batches: 1, Dropped: 2, Waiting: 1}) {
		t.Errorf("stats %+v", got)
	}
}

// TestWait checks that a request waits for others for the configured time after its arrival, and
// not at all once the batch is full or the queue is closed.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), newHarness(Settings{Batch: 3, Wait: 10 * time.Millisecond, Length: 9})
		start := time.Now()
		b.ask(ctx, 1)
		time.Sleep(6 * time.Millisecond)
		b.ask(ctx, 2)
		b.expect(t, nil, 1, 2)
		if took := time.Since(start); took != 10*time.Millisecond {
			t.Errorf("began after %v", took)
		}
		start = time.Now()
		b.ask(ctx, 3)
		b.ask(ctx, 4)
		b.ask(ctx, 5)
		got := <-b.batches
		b.ask(ctx, 6) // waits while 3, 4, 5 are computed
		time.Sleep(20 * time.Millisecond)
		b.release <- nil
		b.expect(t, nil, 6)
		if took := time.Since(start); took != 20*time.Millisecond || len(got) != 3 {
			t.Errorf("a batch of %d, both after %v", len(got), took)
		}
		last := b.ask(ctx, 7)
		b.Close()
		b.expect(t, nil, 7)
		want(t, last, 14, nil)
		<-b.served
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Errorf("closing waited: %v", took)
		}
	})
}

// TestClose checks that Close during a batch lets it and the waiting requests finish, and rejects
// later requests.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), newHarness(Settings{Batch: 2, Length: 9})
		var is []<-chan answer
		for n := range 4 {
			is = append(is, b.ask(ctx, n))
		}
		b.Close()
		b.Close()
		want(t, b.ask(ctx, 9), 0, ErrClosed)
		b.expect(t, nil, 0)
		b.expect(t, nil, 1, 2)
		b.expect(t, nil, 3)
		<-b.served
		for n, i := range is {
			want(t, i, 2*n, nil)
		}
		want(t, b.ask(ctx, 9), 0, ErrClosed)
	})
}

// TestFailures checks that the error of a batch is returned to its requests only.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), newHarness(Settings{Batch: 2, Length: 9})
		first, second, third, fourth := b.ask(ctx, 1), b.ask(ctx, 2), b.ask(ctx, 3), b.ask(ctx, 4)
		b.expect(t, nil, 1)
		b.expect(t, broken, 2, 3)
		b.expect(t, nil, 4)
		want(t, first, 2, nil)
		want(t, second, 0, broken)
		want(t, third, 0, broken)
		want(t, fourth, 8, nil)
		b.Close()
		<-b.served
	})
	for name, c := range map[string]struct {
		compute func([]int) ([]int, error)
		text    string
	}{
		"panic":       {func(in []int) ([]int, error) { panic("out of luck") }, "panic: out of luck"},
		"too few":     {func(in []int) ([]int, error) { return nil, nil }, "batching: 0 results for 1 requests"},
		"a nil error": {func(in []int) ([]int, error) { return in, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			q := New[int, int](Settings{Batch: 2, Length: 9})
			go q.Serve(c.compute)
			defer q.Close()
			for range 2 { // the queue remains usable
				_, err := q.Do(t.Context(), 1)
				if text := fmt.Sprint(err); c.text != "" && text != c.text || c.text == "" && err != nil {
					t.Errorf("error %v, want %q", err, c.text)
				}
				var p *PanicError
				if errors.As(err, &p) != (name == "panic") || p != nil && len(p.Stack) == 0 {
					t.Errorf("%#v", err)
				}
			}
		})
	}
}

// TestManyGoroutines checks, with a mixture of deadlines, rejections and failures, that each
// request gets its own result or an error, that batches have a valid size, and that the counts are
// consistent.
func TestManyGoroutines(t *testing.T) {
	const callers, each = 64, 300
	q := New[int, int](Settings{Batch: 7, Wait: 50 * time.Microsecond, Length: 40})
	odd := errors.New("an odd one")
	served := make(chan struct{})
	batches := 0
	go func() {
		defer close(served)
		q.Serve(func(in []int) ([]int, error) {
			batches++
			if len(in) < 1 || len(in) > 7 {
				t.Errorf("a batch of %d", len(in))
			}
			out := make([]int, len(in))
			for i, n := range in {
				out[i] = -n
			}
			if batches%10 == 0 {
				return nil, odd
			}
			if batches%11 == 0 {
				panic(odd)
			}
			return out, nil
		})
	}()
	var mu sync.Mutex
	counts := map[string]int64{}
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range each {
				n := c*each + i
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%9)*100*time.Microsecond)
				out, err := q.Do(ctx, n)
				cancel()
				kind := "computed"
				var p *PanicError
				switch {
				case err == nil && out != -n:
					t.Errorf("the result of %d is %d", n, out)
				case errors.Is(err, ErrFull):
					kind = "refused"
				case errors.Is(err, context.DeadlineExceeded):
					kind = "late"
				case err != nil && !errors.Is(err, odd) && !errors.As(err, &p):
					t.Errorf("%d: %v", n, err)
				}
				mu.Lock()
				counts[kind]++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	q.Close()
	<-served
	s := q.Stats()
	if counts["refused"] != s.Refused || s.Computed < counts["computed"] || s.Waiting != 0 || s.Batches != int64(batches) ||
		s.Computed+s.Dropped > counts["computed"]+counts["late"] {
		t.Errorf("callers saw %v, the queue %+v in %d batches", counts, s, batches)
	}
	t.Logf("%v; %+v", counts, s)
}
