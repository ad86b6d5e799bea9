package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/internal/host"
)

// AllReduceSpeed is the speed at which the ranks of a group add up tensors, measured on this rank.
type AllReduceSpeed struct {
	Ranks     int                  `json:"ranks"`
	Backend   string               `json:"backend"`   // of c10d: gloo or nccl
	Algorithm string               `json:"algorithm"` // ring with gloo; "": NCCL's choice
	Device    string               `json:"device"`    // of the tensors
	Members   []distributed.Member `json:"members"`
	Sizes     []AllReduceSize      `json:"sizes"`
	Link      Link                 `json:"link"` // that explains the times
	Load      host.Load            `json:"load"`
}

// AllReduceSize is the speed of all-reduces of one size.
type AllReduceSize struct {
	Bytes    int64   `json:"bytes"`
	MedianMS float64 `json:"median_ms"`
	P99MS    float64 `json:"p99_ms"` // of fewer than 100 the slowest
	Measured int     `json:"all_reduces"`
	GBits    float64 `json:"gbit_s"` // that a rank sends and receives, see RankGBits
	CPUMS    float64 `json:"cpu_ms"` // processors' time of this rank for one, which training does not get
}

// AllReduceSizes are those that AllReduce measures unless told otherwise: from what batch norm exchanges to more than the largest
// bucket of gradients.
func AllReduceSizes() []int64 {
	var sizes []int64
	for bytes := int64(1 << 10); bytes <= 64<<20; bytes *= 4 {
		sizes = append(sizes, bytes)
	}
	return sizes
}

// ErrOneRank is returned for a group without another rank.
var ErrOneRank = errors.New("bench: there is no other rank to exchange tensors with")

// AllReduce measures all-reduces of float32 tensors of the given sizes in bytes, one after another. All ranks of the group must call it.
func AllReduce(ctx context.Context, g *distributed.Group, device autograd.Device, sizes []int64, steps Steps) (AllReduceSpeed, error) {
	if g.Size() < 2 {
		return AllReduceSpeed{}, ErrOneRank
	}
	r := AllReduceSpeed{Ranks: g.Size(), Backend: "gloo", Algorithm: "ring", Device: device.String(), Members: g.Members()}
	if device != autograd.CPU {
		r.Backend, r.Algorithm = "nccl", ""
	}
	steps, err := agreedSteps(g, steps)
	if err != nil {
		return r, err
	}
	load := watchRanks(g)
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		for _, bytes := range sizes {
			size, err := allReduce(ctx, s, g, device, bytes, steps)
			if err != nil {
				return fmt.Errorf("bench: all-reduce of %d bytes: %w", bytes, err)
			}
			r.Sizes = append(r.Sizes, size)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if r.Load, err = load(); err != nil {
		return r, err
	}
	r.Link, err = fitLink(r.Ranks, r.Sizes)
	return r, err
}

// allReduce measures one size. Each all-reduce waits for all ranks, so their measurements run in step.
func allReduce(ctx context.Context, s *autograd.Scope, g *distributed.Group, device autograd.Device, bytes int64, steps Steps) (AllReduceSize, error) {
	size := AllReduceSize{Bytes: bytes}
	err := s.Sub(func(s *autograd.Scope) error {
		t := s.ToDevice(autograd.FromSlice(s, make([]float32, bytes/4), bytes/4), device)
		once := func() (time.Duration, error) {
			start := time.Now()
			g.Process().AllReduce(s, t)
			if err := errors.Join(ctx.Err(), s.Err(), autograd.Synchronize(device)); err != nil {
				return 0, err
			}
			return time.Since(start), nil
		}
		last := time.Duration(0)
		for range max(1, steps.Warmup) {
			var err error
			if last, err = once(); err != nil {
				return err
			}
		}
		count, err := agreedCount(g, steps, last)
		if err != nil {
			return err
		}
		seconds := make([]float64, count)
		before := host.OwnTime()
		for i := range seconds {
			took, err := once()
			if err != nil {
				return err
			}
			seconds[i] = took.Seconds()
		}
		size.CPUMS = 1000 * (host.OwnTime() - before) / float64(count)
		timing := newTiming(seconds, host.Load{})
		size.MedianMS, size.P99MS, size.Measured = timing.StepMS, timing.P99MS, timing.Measured
		size.GBits = RankGBits(bytes, g.Size(), size.MedianMS/1000)
		return nil
	})
	return size, err
}

// mostMeasured is the largest number of measurements that the time alone asks for: enough for a 99th percentile.
const mostMeasured = 1000

// agreedSteps are those of rank 0: ranks must measure as often as each other.
func agreedSteps(g *distributed.Group, steps Steps) (Steps, error) {
	b, err := json.Marshal(steps)
	if err == nil {
		b, err = g.Broadcast(b)
	}
	if err == nil {
		err = json.Unmarshal(b, &steps)
	}
	return steps, err
}

// agreedCount is the number of measurements for steps on which ranks have agreed, by the time that one takes on average over ranks.
func agreedCount(g *distributed.Group, steps Steps, one time.Duration) (int, error) {
	total := []float64{one.Seconds()}
	if err := g.Sum(total); err != nil {
		return 0, err
	}
	fitting := math.Ceil(steps.Least.Seconds() / max(total[0]/float64(g.Size()), 1e-6))
	count := max(steps.Count, int(min(fitting, mostMeasured)))
	if count < 1 {
		return 0, errNothing
	}
	return count, nil
}
