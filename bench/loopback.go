package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
)

// loopbackSizes suffice for a link: a sum of batch norm, and a bucket of gradients.
var loopbackSizes = []int64{1 << 10, largestBucket}

// Loopback measures all-reduces of two ranks of this process over the loopback interface: what gloo and the operating system
// need without a network, so that no network is faster for gloo.
func Loopback(ctx context.Context, steps Steps) (AllReduceSpeed, error) {
	port, err := launch.FreePort()
	if err != nil {
		return AllReduceSpeed{}, fmt.Errorf("bench: find a free port: %w", err)
	}
	const ranks = 2
	var speeds [ranks]AllReduceSpeed
	var errs [ranks]error
	var all sync.WaitGroup
	for rank := range ranks {
		all.Go(func() {
			e := launch.Env{Launcher: "bench", Rank: rank, Size: ranks, LocalRank: rank, LocalSize: ranks, Host: "127.0.0.1", Port: port}
			speeds[rank], errs[rank] = allReduceAs(ctx, e, steps)
		})
	}
	all.Wait()
	for i := range speeds[0].Sizes {
		speeds[0].Sizes[i].CPUMS /= ranks // the process has both
	}
	return speeds[0], errors.Join(errs[:]...)
}

// allReduceAs measures all-reduces as a rank of a group.
func allReduceAs(ctx context.Context, e launch.Env, steps Steps) (AllReduceSpeed, error) {
	g, err := distributed.Join(ctx, e, distributed.Options{Interface: e.Host})
	if err != nil {
		return AllReduceSpeed{}, err
	}
	speed, err := AllReduce(ctx, g, autograd.CPU, loopbackSizes, steps)
	if err != nil {
		g.Fail(err)
		return speed, err
	}
	return speed, g.Close()
}
