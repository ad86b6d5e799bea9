package data

import (
	"context"
	"slices"
	"testing"

	"depthwise.dev/data/internal/random"
)

// numberedShard is a container that is never read.
type numberedShard int

func (numberedShard) ReadAt(context.Context, []byte, int64) error { return nil }

// TestStreamOrder: every sample once, no more shards at a time than a buffer touches, and
// neither the shards nor a buffer in their old order.
func TestStreamOrder(t *testing.T) {
	d := &Dataset{}
	for s := range 20 {
		for range 10 {
			d.Samples = append(d.Samples, Sample{Part: Part{In: numberedShard(s)}})
		}
	}
	order := streamOrder(d, 25, random.New(1, random.Order, 0))
	seen := make([]int, d.Len())
	for start := 0; start < len(order); start += 25 {
		shards := map[Container]bool{}
		now := order[start:min(start+25, len(order))]
		for _, i := range now {
			seen[i]++
			shards[d.Samples[i].Part.In] = true
		}
		if len(shards) > 4 || slices.IsSorted(now) {
			t.Errorf("buffer at %d: %d shards, order %v", start, len(shards), now)
		}
	}
	for i, n := range seen {
		if n != 1 {
			t.Errorf("sample %d comes %d times", i, n)
		}
	}
	if again := streamOrder(d, 25, random.New(1, random.Order, 0)); !slices.Equal(order, again) {
		t.Error("the order is not repeatable")
	}
}
