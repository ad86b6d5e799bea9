package train

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// TestPauseOfRanksAndTimeLimits: neither --time nor --stop-after counts a pause of several ranks, which rank 0 times.
func TestPauseOfRanksAndTimeLimits(t *testing.T) {
	data := testset.Images(t, 14, 3)
	for _, c := range timeLimits {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, data)
			config.CheckpointEvery = "1h"
			config.BatchSize, config.Model.Resolution = config.BatchSize/2, 40 // 6 batches, of which none is skipped
			c.limit(&config)
			r := &requests{t: t, c: control.New(), after: map[int64][]control.Request{8: {action(control.Pause)}}, paused: []control.Request{action(control.Continue)}, waited: time.Hour, now: time.Unix(1e9, 0)}
			list := fitRanks(t, 2, config, func(rank int, m *member) {
				if rank == 0 {
					m.Control, m.record = r.c, r.Record
					m.now = func() time.Time { r.now = r.now.Add(time.Millisecond); return r.now }
				}
			})
			for rank, m := range list {
				if m.err != nil || !m.result.Finished || m.result.Step != 18 {
					t.Errorf("rank %d: %+v, %v", rank, m.result, m.err)
				}
			}
		})
	}
}

// pairGroup is rank 0 of two, of which the other gives what change makes of its own.
type pairGroup struct {
	fakeGroup
	change func(own string) string
}

func (g pairGroup) Gather(b []byte) ([][]byte, error) {
	return [][]byte{b, []byte(g.change(string(b)))}, nil
}

// TestCallbacksOfOneRank: where one rank waits for the results of each step, because of its callbacks, all do.
func TestCallbacksOfOneRank(t *testing.T) {
	for _, other := range []bool{true, false} {
		g := pairGroup{fakeGroup{size: 2}, func(own string) string {
			return strings.Replace(own, `"StepCallbacks":false`, fmt.Sprintf(`"StepCallbacks":%v`, other), 1)
		}}
		r := &run{ranks: ranks{g}, config: config.Default(), images: images{train: &data.Dataset{}, val: &data.Dataset{}}}
		if err := r.compareStarts(); err != nil || r.eachStep != other {
			t.Errorf("waits for each step: %v, %v; want %v", r.eachStep, err, other)
		}
	}
}

// TestEndBeforePlan: a run that a callback ends keeps its end, also where rank 0 wanted to plan its length after the same step.
func TestEndBeforePlan(t *testing.T) {
	r := &run{ranks: ranks{fakeGroup{size: 2}}, totalSteps: 100}
	r.Step, r.Budget = 7, &budget{Length: 100, Steps: 100, Next: 1}
	r.setAgreed(votes{end: true, plan: true})
	if err := r.planWithin(nil); err != nil || r.totalSteps != 7 {
		t.Errorf("%d steps, %v; want the end after 7", r.totalSteps, err)
	}
}

// TestRanksFinishEarly: a callback of any rank finishes the run of all.
func TestRanksFinishEarly(t *testing.T) {
	for _, c := range []struct {
		name string
		rank int
		call Callback
		step int64
	}{
		{"before a step", 1, Callback{BeforeStep: func(_ *autograd.Scope, _ *backend.Network, e report.Step) error { return stopAt(e.Step, 3) }}, 3},
		{"after a step", 1, Callback{AfterStep: func(_ *autograd.Scope, _ *backend.Network, e report.Step) error { return stopAt(e.Step, 3) }}, 4},
		{"after an epoch", 0, Callback{AfterEpoch: func(_ *autograd.Scope, _ *backend.Network, e report.Epoch) error { return stopAt(e.Step, 5) }}, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := small(t, testset.Images(t, 14, 3)) // batches of 8, 8, 8, 8, 8 and 2
			config.BatchSize, config.Model.Resolution = 4, 40
			for rank, m := range fitRanks(t, 2, config, func(rank int, m *member) {
				if rank == c.rank {
					m.Callbacks = []Callback{c.call}
				}
			}) {
				if m.err != nil || !m.result.Finished || m.result.Step != c.step {
					t.Errorf("rank %d: %+v, error %v; want the end after step %d", rank, m.result, m.err, c.step)
				}
			}
		})
	}
}

func stopAt(step, at int64) error {
	if step >= at {
		return ErrStop
	}
	return nil
}

// TestRequestsToRanks: what is requested of rank 0 is carried out by all ranks after the same step.
func TestRequestsToRanks(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	config.CheckpointEvery = ""
	r := &requests{t: t, c: control.New(), after: map[int64][]control.Request{2: {factor(0.5)}, 4: {action(control.Pause)}}, paused: []control.Request{action(control.Checkpoint), action(control.Continue)}}
	list := fitRanks(t, 2, config, func(rank int, m *member) {
		if rank == 0 {
			m.Control, m.record = r.c, r.Record
		}
	})
	for rank, m := range list {
		if m.err != nil || m.result != list[0].result {
			t.Errorf("rank %d: %+v, error %v", rank, m.result, m.err)
		}
	}
	var actions []string
	halved := false
	for _, e := range r.events {
		switch e := e.(type) {
		case report.Control:
			actions = append(actions, e.Action)
		case report.Step:
			halved = halved || e.LR < 0.6*config.LR
		}
	}
	if got := strings.Join(actions, " "); got != "lr pause continue" || !halved {
		t.Errorf("carried out %q, the learning rate was halved: %v", got, halved)
	}
	for _, e := range list[1].events {
		if _, own := e.(report.Note); !own {
			t.Errorf("rank 1 recorded %+v", e)
		}
	}
}

// TestTimeOfRanks: rank 0 plans by its clock how many steps a run with --time has, and all ranks take as many.
func TestTimeOfRanks(t *testing.T) {
	config := small(t, testset.Images(t, 14, 3))
	config.Epochs, config.Time, config.CheckpointEvery = 0, 2e9, "500ms"
	list := fitRanks(t, 2, config, nil)
	for rank, m := range list {
		if m.err != nil || !m.result.Finished || m.result != list[0].result {
			t.Errorf("rank %d: %+v, error %v", rank, m.result, m.err)
		}
	}
}
