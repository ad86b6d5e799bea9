package data

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// shardsFile lies beside shards and tells of them; other programs' shards may do without.
const shardsFile = "shards.json"

// shardPaths are the tar files of a data set, by split.
type shardPaths struct {
	root       string
	train, val []string // paths or addresses; without val, train holds all
}

// findShards looks for shards at path: a folder of tar files, one with such folders
// train and val, a tar file, or a pattern with braces. ok is false when it is none of these.
func findShards(path string) (found shardPaths, ok bool, err error) {
	if strings.ContainsAny(path, "{}") || strings.Contains(path, "::") || strings.HasSuffix(path, ".tar") {
		if isDir(path) { // a folder may have such a name
			return folderShards(path)
		}
		all, err := expandBraces(path)
		if err != nil {
			return found, false, err
		}
		for _, p := range all {
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return found, false, fmt.Errorf("data: %s: one of the %d shards of %s is not there", p, len(all), path)
			}
		}
		return bySplit(all), true, nil
	}
	return folderShards(path)
}

func folderShards(dir string) (found shardPaths, ok bool, err error) {
	all := tarsIn(dir)
	for _, split := range []string{"train", "val"} {
		if all == nil || isDir(filepath.Join(dir, split)) {
			all = append(all, tarsIn(filepath.Join(dir, split))...)
		}
	}
	if len(all) == 0 {
		return found, false, nil
	}
	found = bySplit(all)
	found.root = dir
	return found, true, nil
}

// tarsIn returns the tar files of a folder that has no folders beside them.
func tarsIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var tars []string
	for _, e := range entries {
		kind, err := kindOf(dir, e)
		switch {
		case err != nil || strings.HasPrefix(e.Name(), "."):
		case kind == folder:
			return nil
		case strings.HasSuffix(e.Name(), ".tar"):
			tars = append(tars, filepath.Join(dir, e.Name()))
		}
	}
	return tars
}

// bySplit sorts shards by what their name, or else their folder's, begins with.
func bySplit(all []string) shardPaths {
	var found shardPaths
	for _, p := range all {
		if splitOf(p) == "val" {
			found.val = append(found.val, p)
		} else {
			found.train = append(found.train, p)
		}
	}
	if len(found.train) == 0 {
		found.train, found.val = found.val, nil
	}
	if found.root = parentOf(all[0]); isRemote(found.root) {
		found.root = commonFolder(all)
	}
	return found
}

func splitOf(path string) string {
	path, _ = cutQuery(path)
	path = strings.ReplaceAll(path, string(filepath.Separator), "/")
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= max(0, len(parts)-2); i-- {
		for _, split := range []string{"train", "val"} {
			if strings.HasPrefix(parts[i], split) {
				return split
			}
		}
	}
	return ""
}

// parentOf is the folder of a path or an address.
func parentOf(path string) string {
	if isRemote(path) {
		folder, _ := splitAddress(path)
		return folder
	}
	return filepath.Dir(path)
}

// openShards opens shards as a data set.
func (s Source) openShards(ctx context.Context, root string, paths []string) (*Dataset, error) {
	if isRemote(root) {
		return s.openRemote(ctx, root, paths)
	}
	cache := s.cache()
	classes, err := shardClasses(root)
	if err != nil {
		return nil, err
	}
	indices, err := indexShards(ctx, root, paths, cache)
	if err != nil {
		return nil, err
	}
	d, err := dataset(root, indices, classes, func(x *shardIndex) shard { return localShard(joinPath(root, x.Name)) })
	if err != nil {
		return nil, fmt.Errorf("%w; if these are ImageNet's tars: train data imagenet SRC DIR", err)
	}
	return d, nil
}

// shardSet is the contents of shards.json.
type shardSet struct {
	Format  int             `json:"format"`
	Classes []string        `json:"classes"` // what the numbers in the .cls files mean
	Plan    json.RawMessage `json:"plan,omitempty"`
}

// shardClasses returns the class names that shards.json tells, nil without it.
func shardClasses(root string) ([]string, error) {
	path := filepath.Join(root, shardsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	set, err := parseShardSet(text)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", path, err)
	}
	return set.Classes, nil
}

func parseShardSet(text []byte) (shardSet, error) {
	var set shardSet
	if err := json.Unmarshal(text, &set); err != nil {
		return set, err
	}
	sorted := slices.Sorted(slices.Values(set.Classes))
	if len(slices.Compact(sorted)) != len(set.Classes) {
		return set, errors.New("a class is named twice")
	}
	return set, nil
}

// indexShards scans the shards, several at once, but for those that the cache knows and
// whose size and time of change are still the same.
func indexShards(ctx context.Context, root string, paths []string, cache indexCache) ([]*shardIndex, error) {
	known := map[string]*shardIndex{}
	place := strings.Join(paths, "\n")
	cache.load("shards", place, func(r io.Reader) error {
		indices, err := readShardIndex(r)
		for _, x := range indices {
			known[x.Name] = x
		}
		return err
	})
	indices := make([]*shardIndex, len(paths))
	scanned := make([]bool, len(paths))
	err := eachInParallel(ctx, len(paths), 2*runtime.GOMAXPROCS(0), func(ctx context.Context, i int) (err error) {
		indices[i], scanned[i], err = indexLocal(ctx, root, paths[i], known)
		return err
	})
	if err != nil {
		return nil, err
	}
	images := 0
	for _, x := range indices {
		images += len(x.Keys)
	}
	if slices.Contains(scanned, true) {
		cache.save("shards", place, images, func(w io.Writer) error { return writeShardIndex(w, indices) })
	}
	return indices, nil
}

// indexLocal returns a shard's index, and whether it had to be made.
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

// eachInParallel calls do for 0..n-1 from so many goroutines; the first error ends it.
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
