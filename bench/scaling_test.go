package bench

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
)

// TestAllReduce measures over gloo: ranks measure equally often, although their clocks differ.
func TestAllReduce(t *testing.T) {
	const ranks = 3
	speeds := make([]AllReduceSpeed, ranks)
	sizes := []int64{4, 1 << 10, 1 << 20}
	distributedtest.Run(t, ranks, func(_ *autograd.Scope, g *distributed.Group) error {
		var err error
		speeds[g.Rank()], err = AllReduce(t.Context(), g, autograd.CPU, sizes, Steps{Count: 3, Least: time.Millisecond * time.Duration(g.Rank())})
		return err
	})
	for rank, r := range speeds {
		if r.Ranks != ranks || r.Backend != "gloo" || r.Algorithm != "ring" || r.Device != "cpu" || len(r.Members) != ranks || len(r.Sizes) != len(sizes) {
			t.Fatalf("rank %d: %+v", rank, r)
		}
		for i, s := range r.Sizes {
			if s.Bytes != sizes[i] || s.Measured < 3 || !(s.MedianMS > 0) || s.P99MS < s.MedianMS || !(s.GBits > 0) {
				t.Errorf("rank %d: %+v", rank, s)
			}
		}
		if !(r.Link.LatencyUS > 0) || !(r.Link.GBits > 0) {
			t.Errorf("rank %d: %+v", rank, r.Link)
		}
		for i, m := range r.Members {
			if m.Rank != i || m.Host == "" || m.PID == 0 || m.Address != "127.0.0.1" {
				t.Errorf("member %d: %+v", i, m)
			}
		}
	}
}

func TestAllReduceOfOneRank(t *testing.T) {
	if _, err := AllReduce(t.Context(), nil, autograd.CPU, []int64{4}, Steps{Count: 1}); !errors.Is(err, ErrOneRank) {
		t.Errorf("error %v", err)
	}
}

// TestScaling: the profile has the bytes of all gradients and statistics, and the predictions are those of the profile.
func TestScaling(t *testing.T) {
	c := small(t, "mobilenet_v1")
	r, err := Scaling(t.Context(), c, nil, []Link{{50, 0.001}, {50, 1e9}}, Steps{Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var parameters, statistics int64
	for _, a := range g.Arrays() {
		n := int64(1)
		for _, d := range a.Shape {
			n *= int64(d)
		}
		if a.Role == "" {
			statistics += n
		} else {
			parameters += n
		}
	}
	if got, want := r.Profile.Bytes(), 4*parameters+8*statistics; got != want {
		t.Errorf("%d bytes a step, want %d", got, want)
	}
	last := 0.0
	for _, b := range r.Profile.Buckets {
		if b.ReadyMS < last || b.ReadyMS > r.Profile.BackwardMS || b.Bytes == 0 {
			t.Errorf("profile %+v", r.Profile)
		}
		last = b.ReadyMS
	}
	if len(r.Links) != 2 || r.Measured != nil || r.Links[1].GBits != r.Software.GBits || r.Links[0].GBits != 0.001 || r.Batch != c.BatchSize {
		t.Fatalf("%+v", r)
	}
	for i, n := range r.Links[0].Ranks {
		if n != r.Profile.Predict(PredictedRanks[i], Link{50, 0.001}, 1e-9*r.CPUSeconds) {
			t.Errorf("%+v", n)
		}
	}
}

// TestRanksThatDiffer: ranks that were started with other flags are refused before their sums fail.
func TestRanksThatDiffer(t *testing.T) {
	distributedtest.Run(t, 2, func(_ *autograd.Scope, g *distributed.Group) error {
		p := StepProfile{Buckets: []Bucket{{Bytes: 100}, {Bytes: 20}}}
		if err := p.sameOnAll(g); err != nil {
			return err
		}
		if !g.First() {
			p.Buckets = p.Buckets[:1]
		}
		want := "bench: rank 1 has gradients of [0,100] bytes, and rank 0 of [0,100,20]: start all ranks with the same network"
		if err := p.sameOnAll(g); err == nil || err.Error() != want {
			return fmt.Errorf("error %v, want %s", err, want)
		}
		steps, err := agreedSteps(g, Steps{Count: 3 + g.Rank(), Least: time.Duration(1+g.Rank()) * time.Second})
		if want := (Steps{Count: 3, Least: time.Second}); err != nil || steps != want {
			return fmt.Errorf("%+v, error %v, want %+v", steps, err, want)
		}
		return nil
	})
}
