package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// remoteShard is a shard at an address. What is read of it comes from the cache.
type remoteShard struct {
	cache   *shardCache
	address string
	size    int64
	version string
	touched atomic.Int64 // when its place in the cache was last renewed
}

// readAt waits until the cache has the bytes.
func (s *remoteShard) readAt(ctx context.Context, p []byte, offset int64) error {
	err := s.use(ctx, offset+int64(len(p)), func(f *os.File) error {
		_, err := f.ReadAt(p, offset)
		return err
	})
	return s.failure(ctx, err)
}

// prefetch brings the whole shard into the cache.
func (s *remoteShard) prefetch(ctx context.Context) error {
	return s.failure(ctx, s.use(ctx, s.size, func(*os.File) error { return nil }))
}

// failure makes an end of the run of what is no fault of an image.
func (s *remoteShard) failure(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || isSystemError(err) {
		return err
	}
	return &StorageError{Path: s.address, Tries: 1, Err: err}
}

// use calls read with the shard's file, once it is there up to end.
func (s *remoteShard) use(ctx context.Context, end int64, read func(*os.File) error) error {
	for ctx.Err() == nil {
		f, err := os.Open(s.cache.path(s))
		if err == nil {
			s.touch()
			err = read(f)
			f.Close()
			return err
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		d, err := s.cache.begin(ctx, s)
		if err != nil {
			return err
		}
		if err := d.wait(ctx, end); err != nil {
			return err
		}
		if err := read(d.file); !errors.Is(err, fs.ErrClosed) { // closed: it is whole, and in its place
			return err
		}
	}
	return context.Cause(ctx)
}

// touch tells the cache, now and then, that the shard is in use.
func (s *remoteShard) touch() {
	const often = time.Second
	now := time.Now()
	if last := s.touched.Load(); now.UnixNano()-last > int64(often) && s.touched.CompareAndSwap(last, now.UnixNano()) {
		_ = os.Chtimes(s.cache.path(s), now, now) // it may have been evicted just now
	}
}

// shardCacheOf is the cache of the source's distant shards.
func (s Source) shardCacheOf() (*shardCache, error) {
	if s.Remote == nil || s.Cache == "" {
		return nil, fmt.Errorf("data: %s: addresses cannot be read here", s.Path)
	}
	return newShardCache(filepath.Join(s.Cache, "shards"), s.CacheBytes, s.Remote), nil
}

// findRemote lists the shards of an address: those of a pattern, or of a folder the ones
// that its indices name or, without them, that the server lists.
func (s Source) findRemote(ctx context.Context) (found shardPaths, err error) {
	if path, _ := cutQuery(s.Path); strings.ContainsAny(path, "{}") || strings.Contains(path, "::") || strings.HasSuffix(path, ".tar") {
		all, err := expandBraces(s.Path)
		if err != nil {
			return found, err
		}
		return bySplit(all), nil
	}
	cache, err := s.shardCacheOf()
	if err != nil {
		return found, err
	}
	var all []string
	for _, split := range []string{"train", "val"} {
		indices, err := cache.besideIndex(ctx, s.Path, split)
		if err != nil {
			return found, err
		}
		for _, x := range indices {
			all = append(all, joinAddress(s.Path, x.Name))
		}
	}
	if len(all) == 0 {
		if all, err = s.listRemote(ctx, cache); err != nil {
			return found, err
		}
	}
	if len(all) == 0 {
		return found, fmt.Errorf("data: %s: no *.tar lies there", s.Path)
	}
	found = bySplit(all)
	found.root = s.Path
	return found, nil
}

func (s Source) listRemote(ctx context.Context, cache *shardCache) (all []string, err error) {
	var names []string
	err = cache.persist(ctx, s.Path, func(ctx context.Context) (bool, error) {
		names, err = s.Remote.List(ctx, s.Path)
		if errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
		}
		return false, err
	})
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w; name the shards: %s", s.Path, err, joinAddress(s.Path, "train-{000000..000127}.tar"))
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".tar") {
			all = append(all, joinAddress(s.Path, name))
		}
	}
	slices.Sort(all)
	return all, nil
}

// besideIndex reads the index that data shard wrote beside the shards of a split, nil without one.
func (c *shardCache) besideIndex(ctx context.Context, root, split string) ([]*shardIndex, error) {
	content, err := c.fetch(ctx, joinAddress(root, shardIndexName(split)))
	if isPermanent(err) { // some servers forbid what is not there
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	indices, err := readShardIndex(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", joinAddress(root, shardIndexName(split)), err)
	}
	return indices, nil
}

// openRemote opens distant shards as a data set.
func (s Source) openRemote(ctx context.Context, root string, addresses []string) (*Dataset, error) {
	cache, err := s.shardCacheOf()
	if err != nil {
		return nil, err
	}
	var classes []string
	text, err := cache.fetch(ctx, joinAddress(root, shardsFile))
	if err == nil {
		var set shardSet
		set, err = parseShardSet(text)
		classes = set.Classes
	}
	if err != nil && !isPermanent(err) {
		return nil, fmt.Errorf("data: %s: %w", joinAddress(root, shardsFile), err)
	}
	indices, err := s.indexRemote(ctx, cache, root, addresses)
	if err != nil {
		return nil, err
	}
	d, err := dataset(root, indices, classes, func(x *shardIndex) shard {
		return &remoteShard{cache: cache, address: joinAddress(root, x.Name), size: x.Size, version: x.Stamp}
	})
	if err == nil {
		d.cache = cache
	}
	return d, err
}

// indexRemote finds out what lies in the shards: from the index beside them, from what
// was kept of the last time, or by fetching and scanning them, each once.
func (s Source) indexRemote(ctx context.Context, cache *shardCache, root string, addresses []string) ([]*shardIndex, error) {
	known := map[string]*shardIndex{}
	beside, err := cache.besideIndex(ctx, root, splitOf(addresses[0]))
	if err != nil {
		return nil, err
	}
	for _, x := range beside {
		known[x.Name] = x
	}
	place := strings.Join(addresses, "\n")
	kept := map[string]*shardIndex{}
	s.cache().load("remote", place, func(r io.Reader) error {
		indices, err := readShardIndex(r)
		for _, x := range indices {
			kept[x.Name] = x
		}
		return err
	})
	indices := make([]*shardIndex, len(addresses))
	err = eachInParallel(ctx, len(addresses), fetchers, func(ctx context.Context, i int) (err error) {
		name, err := nameBelow(root, addresses[i])
		if err != nil {
			return err
		}
		if indices[i] = known[name]; indices[i] == nil {
			indices[i], err = cache.index(ctx, addresses[i], name, kept[name])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	images := 0
	for _, x := range indices {
		images += len(x.Keys)
	}
	if len(known) == 0 {
		indexCache{dir: s.Cache, from: 0}.save("remote", place, images, func(w io.Writer) error { return writeShardIndex(w, indices) })
	}
	return indices, nil
}

// index asks whether kept is what the server has, and scans the shard otherwise.
func (c *shardCache) index(ctx context.Context, address, name string, kept *shardIndex) (*shardIndex, error) {
	var object Object
	err := c.persist(ctx, address, func(ctx context.Context) (_ bool, err error) {
		object, err = c.remote.Stat(ctx, address)
		return false, err
	})
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", address, err)
	}
	if kept != nil && kept.Size == object.Size && kept.Stamp == object.Version {
		return kept, nil
	}
	s := &remoteShard{cache: c, address: address, size: object.Size, version: object.Version}
	x, err := scanShard(ctx, name, sequential{ctx, s}, object.Size)
	if err == nil {
		err = s.prefetch(ctx) // its end, which a scan does not read
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", address, err)
	}
	x.Stamp = object.Version
	return x, nil
}

// sequential is a distant shard for a scan, which follows its download.
type sequential struct {
	ctx context.Context
	s   *remoteShard
}

func (q sequential) ReadAt(p []byte, offset int64) (int, error) {
	n := min(int64(len(p)), q.s.size-offset)
	if n <= 0 {
		return 0, io.EOF
	}
	if err := q.s.readAt(q.ctx, p[:n], offset); err != nil {
		return 0, err
	}
	if int(n) < len(p) {
		return int(n), io.EOF
	}
	return int(n), nil
}
