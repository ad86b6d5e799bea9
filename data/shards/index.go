package shards

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"depthwise.dev/data/internal/index"
	"depthwise.dev/internal/host"
)

// indexShards scans the shards in parallel, except those whose kept index has the same size and
// modification time.
func indexShards(ctx context.Context, root string, paths []string, kept index.Cache) ([]*shardIndex, error) {
	known := loadIndices(kept, "shards", paths)
	indices := make([]*shardIndex, len(paths))
	scanned := make([]bool, len(paths))
	err := eachInParallel(ctx, len(paths), 2*host.Processors(), func(ctx context.Context, i int) (err error) {
		indices[i], scanned[i], err = indexLocal(ctx, root, paths[i], known)
		return err
	})
	if err != nil {
		return nil, err
	}
	if slices.Contains(scanned, true) {
		saveIndices(kept, "shards", paths, indices)
	}
	return indices, nil
}

// loadIndices returns the kept indices of shards by name.
func loadIndices(kept index.Cache, kind string, paths []string) map[string]*shardIndex {
	known := map[string]*shardIndex{}
	kept.Load(kind, strings.Join(paths, "\n"), func(r io.Reader) error {
		indices, err := readShardIndex(r)
		for _, x := range indices {
			known[x.Name] = x
		}
		return err
	})
	return known
}

func saveIndices(kept index.Cache, kind string, paths []string, indices []*shardIndex) {
	images := 0
	for _, x := range indices {
		images += len(x.Keys)
	}
	kept.Save(kind, strings.Join(paths, "\n"), images, func(w io.Writer) error { return writeShardIndex(w, indices) })
}

// indexLocal returns the index of a shard, and whether it was scanned.
func indexLocal(ctx context.Context, root, path string, known map[string]*shardIndex) (x *shardIndex, scanned bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("data: %w", err)
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, false, fmt.Errorf("data: %w", err)
	}
	stamp := fmt.Sprint(info.ModTime().UnixNano())
	if x := known[name]; x != nil && x.Size == info.Size() && x.Stamp == stamp {
		return x, false, nil
	}
	x, err = scanShard(ctx, name, f, info.Size())
	if err != nil {
		return nil, false, fmt.Errorf("data: %s: %w", path, err)
	}
	x.Stamp = stamp
	return x, true, nil
}

// eachInParallel calls do for 0..n-1 from several goroutines; the first error ends it.
func eachInParallel(ctx context.Context, n, workers int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, workers) {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
