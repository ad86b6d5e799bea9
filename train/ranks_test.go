package train

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// member is what a rank of a test does: its trainer, settings and context.
type member struct {
	Trainer
	config config.Config
	ctx    context.Context
	record recorderFunc
	result Result
	err    error
	events []report.Event
}

// fitRanks trains with several ranks in goroutines of this process, which exchange by gloo. edit changes what a rank does.
func fitRanks(t *testing.T, ranks int, c config.Config, edit func(rank int, m *member)) []member {
	t.Helper()
	list, port := make([]member, ranks), distributedtest.FreePort(t)
	var wait sync.WaitGroup
	for rank := range list {
		m := &list[rank]
		m.config, m.ctx = c, t.Context()
		m.record = func(report.Event) error { return nil }
		if edit != nil {
			edit(rank, m)
		}
		wait.Go(func() { m.fit(rank, ranks, port) })
	}
	wait.Wait()
	return list
}

// fit joins the group, trains and leaves it.
func (m *member) fit(rank, ranks, port int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), 5*time.Minute)
	defer cancel()
	g, err := distributed.Join(ctx, distributedtest.Env(rank, ranks, port), distributed.Options{})
	if err != nil {
		m.err = err
		return
	}
	m.Group = g
	ctx, release := g.Context(m.ctx)
	defer release()
	m.result, m.err = m.Fit(ctx, m.config, recorderFunc(func(e report.Event) error {
		m.events = append(m.events, e)
		return m.record(e)
	}))
	if m.err != nil && !errors.Is(m.err, ErrInterrupted) {
		g.Fail(m.err)
		return
	}
	if err := g.Close(); err != nil {
		m.err = err
	}
}

// trained is fitRanks of a run that must succeed; it returns rank 0.
func trained(t *testing.T, ranks int, c config.Config) member {
	t.Helper()
	return trainedAs(t, Trainer{}, ranks, c)
}

// trainedAs is trained by a trainer.
func trainedAs(t *testing.T, trainer Trainer, ranks int, c config.Config) member {
	t.Helper()
	list := fitRanks(t, ranks, c, func(_ int, m *member) { m.Trainer = trainer })
	for rank, m := range list {
		if m.err != nil {
			t.Fatalf("rank %d: %v", rank, m.err)
		}
		if m.result != list[0].result {
			t.Errorf("rank %d ends with %+v, rank 0 with %+v", rank, m.result, list[0].result)
		}
	}
	return list[0]
}

// interruptedRanks ends the context of a random rank at random steps, once during validation, and resumes each time.
func interruptedRanks(t *testing.T, ranks int, c config.Config) Result {
	t.Helper()
	c.Out, c.Resume = filepath.Join(t.TempDir(), "run"), "auto"
	rng := rand.New(rand.NewPCG(uint64(len(t.Name())), 1))
	for i := 0; ; i++ {
		after, signaled := 1+rng.IntN(4), rng.IntN(ranks)
		var cancel context.CancelFunc
		list := fitRanks(t, ranks, c, func(rank int, m *member) {
			if rank == signaled {
				m.ctx, cancel = context.WithCancel(t.Context())
			}
			if rank == 0 {
				m.record = interruptAfter(after, i, 4, func() { cancel() })
			}
		})
		cancel()
		stopped := errors.Is(list[0].err, ErrInterrupted)
		for rank, m := range list {
			if errors.Is(m.err, ErrInterrupted) != stopped || !stopped && m.err != nil {
				t.Fatalf("rank %d of an interrupted run: %v; rank 0: %v", rank, m.err, list[0].err)
			}
		}
		if !stopped {
			if i < 3 {
				t.Errorf("interrupted %d times only", i)
			}
			return list[0].result
		}
	}
}

// TestRanksResumeExactly: a run of two ranks that is interrupted by a signal to any of them and continued ends with the same bytes
// as one that is not, and records each step once. What it trains on is that of one process: the same images in each step.
func TestRanksResumeExactly(t *testing.T) {
	data := testset.Images(t, 14, 3) // batches of 8, 8, 8, 8, 8 and 2
	same := []string{"sgd, 4 workers", "rmsprop_tf", "adamw", "dropout", "frozen batch norms", "early stopping", "frozen backbone, then not", "cached features", "multi-label, cached features",
		"weight averaging beside a moving average"} // which need nothing else of the other ranks
	for _, c := range resumeCases {
		if slices.Contains(same, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			c.change(&config)
			config.BatchSize, config.Model.Dropout = config.BatchSize/2, 0 // ranks in one process share a generator
			config.Model.Resolution = 40                                   // at 32, batch norm cannot train on the one image that a rank has of the last batch
			want := trained(t, 2, config)
			checkSteps(t, want.events, config)
			checkOutcome(t, outcome(t, interruptedRanks(t, 2, config)), outcome(t, want.result))
		})
	}
}

// checkSteps checks that the steps of each epoch have all images.
func checkSteps(t *testing.T, events []report.Event, c config.Config) {
	t.Helper()
	images := map[int]int{}
	for _, e := range events {
		if step, ok := e.(report.Step); ok {
			images[step.Epoch] += step.Images
		}
		if epoch, ok := e.(report.Epoch); ok {
			if images[epoch.Epoch] != 42 || epoch.ValImages != 9 {
				t.Errorf("epoch %d trained on %d images and validated %d, want 42 and 9", epoch.Epoch, images[epoch.Epoch], epoch.ValImages)
			}
		}
	}
	if len(images) == 0 {
		t.Errorf("no steps in %s", c.Out)
	}
}
