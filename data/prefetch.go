package data

import "fmt"

// Distant shards are shuffled within so many images where nothing else is said, and
// fetched so many at a time.
const (
	remoteBuffer = 16_384
	fetchers     = 4
)

// checkCache refuses a cache that could not hold the shards of two buffers, the one in
// use and the one that is fetched: it would fetch every shard again and again.
func (d *Dataset) checkCache(buffer int) error {
	var total, largest int64
	runs := d.runs()
	for _, r := range runs {
		size := d.Samples[r.first].part.in.(*remoteShard).size
		total += size
		largest = max(largest, size)
	}
	perShard := max(1, d.Len()/len(runs))
	need := min(total, largest*int64(2*buffer/perShard+4))
	if d.cache.limit < need {
		return fmt.Errorf("data: %s: a cache of %d MB does not hold the shards that %d shuffled images lie in, about %d MB; give it more, or shuffle fewer (--shuffle-buffer)",
			d.Root, d.cache.limit>>20, buffer, need>>20)
	}
	return nil
}

// comingShard is a shard that an epoch needs from a position on.
type comingShard struct {
	shard    *remoteShard
	position int
}

// coming lists the shards of the rest of the epoch in the order of their first use.
func (it *Iterator) coming() []comingShard {
	seen := map[shard]bool{}
	var list []comingShard
	set := it.loader.set
	for position := it.next; position < set.Len(); position++ {
		sample := position
		if it.order != nil {
			sample = int(it.order[position])
		}
		if s, ok := set.Samples[sample].part.in.(*remoteShard); ok && !seen[s] {
			seen[s] = true
			list = append(list, comingShard{s, position})
		}
	}
	return list
}

// prefetch fetches the distant shards ahead of the workers, no further than a buffer.
func (it *Iterator) prefetch() {
	list := it.coming()
	next := 0
	for range fetchers {
		it.workers.Go(func() {
			it.mu.Lock()
			defer it.mu.Unlock()
			for next < len(list) && it.err == nil {
				c := list[next]
				if c.position > it.next+it.loader.options.ShuffleBuffer {
					it.work.Wait()
					continue
				}
				next++
				it.mu.Unlock()
				err := c.shard.prefetch(it.ctx)
				it.mu.Lock()
				if err != nil && it.err == nil && it.ctx.Err() == nil {
					it.err = err
					it.work.Broadcast()
					it.ready.Broadcast()
				}
			}
		})
	}
}
