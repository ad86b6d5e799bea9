package bench

import (
	"encoding/json"
	"fmt"
	"os"

	"depthwise.dev/distributed"
	"depthwise.dev/internal/host"
)

// watchRanks is host.WatchLoad for ranks: what ranks of this machine take of its processors is not the work of others. All ranks call
// it and the function that it returns.
func watchRanks(g *distributed.Group) (end func() (host.Load, error)) {
	load, before := host.WatchLoad(), host.OwnTime()
	return func() (host.Load, error) {
		l, own := load(), host.OwnTime()-before
		name, _ := os.Hostname() // without one, ranks are others
		b, err := json.Marshal(taken{name, own})
		if err != nil {
			return l, fmt.Errorf("bench: %w", err)
		}
		all, err := g.Gather(b)
		if err != nil {
			return l, err
		}
		for rank, b := range all {
			var t taken
			if err := json.Unmarshal(b, &t); err != nil {
				return l, fmt.Errorf("bench: rank %d: %w", rank, err)
			}
			if rank != g.Rank() && t.Host == name && l.Seconds > 0 {
				l.Others = max(0, l.Others-t.Seconds/l.Seconds/float64(l.Processors))
			}
		}
		return l, nil
	}
}

// taken is what a rank took of the processors of a machine.
type taken struct {
	Host    string
	Seconds float64
}
