package data

import "fmt"

// Defaults for remote containers.
const (
	remoteBuffer = 16_384 // images that are shuffled with each other
	Fetchers     = 4      // containers that are downloaded at the same time
)

// checkCache refuses a cache that cannot hold the containers of two buffers, the one in use and the
// one being downloaded: it would download every container again and again.
func (d *Dataset) checkCache(buffer int) error {
	var total, largest int64
	runs := d.runs()
	for _, r := range runs {
		if c, ok := d.Samples[r.first].Part.In.(RemoteContainer); ok {
			total += c.Size()
			largest = max(largest, c.Size())
		}
	}
	perShard := max(1, d.Len()/len(runs))
	need := min(total, largest*int64(2*buffer/perShard+4))
	if limit := d.remote().CacheLimit(); limit < need {
		return fmt.Errorf("data: %s: a cache of %d MB is too small for the shards of %d shuffled images, about %d MB; increase it (--shard-cache), or shuffle fewer images (--shuffle-buffer)",
			d.Root, limit>>20, buffer, need>>20)
	}
	return nil
}

// neededFrom is a container and the first position of the epoch that reads it.
type neededFrom struct {
	container RemoteContainer
	position  int
}

// upcoming lists the containers that this rank reads in the rest of the epoch, in the order of their first use.
func (it *Iterator) upcoming() []neededFrom {
	seen := map[Container]bool{}
	var list []neededFrom
	set := it.loader.set
	for batch := it.filling; batch < it.loader.Batches(); batch++ {
		first, count := it.loader.Part(batch)
		for position := first; position < first+count; position++ {
			if c, ok := set.Samples[it.sample(position)].Part.In.(RemoteContainer); ok && !seen[c] {
				seen[c] = true
				list = append(list, neededFrom{c, position})
			}
		}
	}
	return list
}

// position is that of the next image to decode.
func (it *Iterator) position() int {
	first, _ := it.loader.Part(it.filling)
	return first + it.place
}

// prefetch downloads containers at most one buffer ahead of the workers.
func (it *Iterator) prefetch() {
	list := it.upcoming()
	next := 0
	for range Fetchers {
		it.workers.Go(func() {
			it.mu.Lock()
			defer it.mu.Unlock()
			for next < len(list) && it.err == nil {
				c := list[next]
				if c.position > it.position()+it.loader.options.ShuffleBuffer {
					it.work.Wait()
					continue
				}
				next++
				it.mu.Unlock()
				err := c.container.Fetch(it.ctx)
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
