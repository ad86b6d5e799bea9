package mlflow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"depthwise.dev/report"
)

// Limits of the queue and of a request. MLflow accepts 1000 metrics and 100 parameters in one.
const (
	maxQueue   = 200_000 // metrics: 40,000 steps
	maxMetrics = 1000
	maxParams  = 100
	sendEvery  = 2 * time.Second
	maxWait    = time.Minute      // between attempts
	endTime    = 60 * time.Second // for what is left at the end
	endTries   = 2                // of a request then
)

// Status is how a run ended.
type Status string

// The statuses.
const (
	Finished Status = "FINISHED"
	Failed   Status = "FAILED"
	Killed   Status = "KILLED" // interrupted; it can be continued
	running  Status = "RUNNING"
)

// Metric is a number at a step.
type Metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"` // milliseconds
	Step      int64   `json:"step"`
}

// Pair is a parameter or a tag.
type Pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Options describe a run.
type Options struct {
	Address    string // of the server
	Dir        string // the run's folder
	Step       int64  // that the run starts or continues from
	Experiment string // "": Default
	Name       string // of the run
	Params     []Pair
	Artifacts  []string            // paths of files that are uploaded at the end, if they exist
	Getenv     func(string) string // the user's authorization
}

// Recorder sends the scalars of a run to a server, in the background: it never waits for the server before End. It implements
// [report.Recorder].
type Recorder struct {
	options Options
	client  *client
	now     func() time.Time
	pause   time.Duration // between batches, and before the second attempt

	mu      sync.Mutex
	queue   []Metric
	lost    int   // metrics that did not fit into the queue
	problem error // of the server, to be shown
	final   Status

	ending  chan struct{} // closed by End
	context context.Context
	cancel  context.CancelFunc
	done    chan error // of the goroutine
}

// Open begins to record a run, or continues it: its id is in the run's folder. An address that is not that of a server is an error;
// a server that does not answer is not.
func Open(o Options) (*Recorder, error) {
	c, err := newClient(o.Address, o.Getenv)
	if err != nil {
		return nil, err
	}
	return start(o, c, sendEvery), nil
}

func start(o Options, c *client, pause time.Duration) *Recorder {
	r := &Recorder{options: o, client: c, now: time.Now, pause: pause, ending: make(chan struct{}), done: make(chan error, 1)}
	r.context, r.cancel = context.WithCancel(context.Background())
	go func() {
		err := r.run()
		r.mu.Lock()
		r.problem = err // shown now, and by End
		r.mu.Unlock()
		r.done <- err
	}()
	return r
}

// Record implements [report.Recorder]. It returns a problem of the server once.
func (r *Recorder) Record(e report.Event) error {
	step, scalars := report.Scalars(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if free := maxQueue - len(r.queue); len(scalars) > free {
		r.lost += len(scalars) - free
		scalars = scalars[:free]
	}
	at := r.now().UnixMilli()
	for _, s := range scalars {
		r.queue = append(r.queue, Metric{s.Tag, s.Value, at, step})
	}
	problem := r.problem
	r.problem = nil
	return problem
}

// End sends what is left, the artifacts and the status, for at most a minute. The error says what is missing.
func (r *Recorder) End(s Status) error {
	r.mu.Lock()
	r.final = s
	r.mu.Unlock()
	close(r.ending)
	timer := time.AfterFunc(endTime, r.cancel)
	defer timer.Stop()
	err := <-r.done
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := r.lost + len(r.queue); n > 0 {
		text := fmt.Sprintf("%d metrics of this run are missing on the server; events.jsonl has them, and train resume of an unfinished run sends them", n)
		if err == nil {
			return errors.New(text)
		}
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
}

// Close implements [report.Recorder].
func (r *Recorder) Close() error { return nil }

// run is the goroutine of the recorder.
func (r *Recorder) run() error {
	s, err := r.begin()
	if err != nil {
		return err
	}
	for {
		ended := r.wait(r.pause)
		if err := r.drain(s); err != nil {
			return err
		}
		if ended {
			return r.finish(s)
		}
	}
}

// wait waits, and reports whether the run has ended.
func (r *Recorder) wait(d time.Duration) bool {
	select {
	case <-r.ending:
		return true
	case <-time.After(d):
		return false
	}
}

// drain sends the queue. What the server refuses is lost.
func (r *Recorder) drain(s *session) error {
	for {
		r.mu.Lock()
		batch := r.queue[:min(maxMetrics, len(r.queue))]
		r.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := r.try(func(ctx context.Context) error { return s.metrics(ctx, batch) }); err != nil {
			return err
		}
		r.mu.Lock()
		r.queue = r.queue[len(batch):] // without a copy, for which Record would wait
		r.mu.Unlock()
	}
}

// try makes a request until it succeeds or will never. Before the end of the run it waits longer after each failure;
// after it, it gives up soon.
func (r *Recorder) try(request func(context.Context) error) error {
	pause, after := r.pause, 0
	for {
		err := request(r.context)
		if err == nil || !temporary(err) || r.context.Err() != nil {
			return err
		}
		r.mu.Lock()
		if after == 0 {
			r.problem = fmt.Errorf("%w; it is tried again, and the end of the run says what is missing", err)
		}
		r.mu.Unlock()
		if r.wait(pause) {
			if after++; after >= endTries {
				return err
			}
			time.Sleep(min(r.pause, time.Second))
		}
		pause = min(2*pause, maxWait)
	}
}
