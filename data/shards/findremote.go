package shards

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/index"
	"depthwise.dev/internal/redact"
)

// findRemote returns the shards of a pattern, or those of a folder: the ones in its indices or, without
// them, in the server's listing.
func (s Source) findRemote(ctx context.Context) (found Paths, err error) {
	if path, _ := cutQuery(s.Path); strings.ContainsAny(path, "{}") || strings.Contains(path, "::") || strings.HasSuffix(path, ".tar") {
		all, err := expandBraces(s.Path)
		if err != nil {
			return found, err
		}
		return bySplit(all), nil
	}
	cache, err := s.remoteCache()
	if err != nil {
		return found, err
	}
	var all []string
	var missing error // why there is no index
	for _, split := range []string{"train", "val"} {
		indices, err := cache.besideIndex(ctx, s.Path, split)
		var absent *noIndex
		if errors.As(err, &absent) {
			missing = cmp.Or(missing, err)
			continue
		}
		if err != nil {
			return found, err
		}
		for _, x := range indices {
			all = append(all, joinAddress(s.Path, x.Name))
		}
	}
	if len(all) == 0 {
		if all, err = s.listRemote(ctx, cache, missing); err != nil {
			return found, err
		}
	}
	if len(all) == 0 {
		return found, fmt.Errorf("data: %s: there is no *.tar file", redact.Address(s.Path))
	}
	found = bySplit(all)
	found.Root = s.Path
	return found, nil
}

// listRemote returns the shards in the server's listing. missing says why there is no index.
func (s Source) listRemote(ctx context.Context, cache *cache, missing error) (all []string, err error) {
	var names []string
	err = cache.retry(ctx, s.Path, func(ctx context.Context) (bool, error) {
		names, err = s.Remote.List(ctx, s.Path)
		if errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("%w (%w)", err, fs.ErrNotExist)
		}
		return false, err
	})
	if errors.Is(err, errors.ErrUnsupported) && missing != nil {
		return nil, fmt.Errorf("%w; without an index, name the shards: %s", missing, redact.Address(joinAddress(s.Path, "train-{000000..000127}.tar")))
	}
	if err != nil {
		return nil, fmt.Errorf("%w; name the shards: %s", atAddress(s.Path, err), redact.Address(joinAddress(s.Path, "train-{000000..000127}.tar")))
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".tar") {
			continue
		}
		if err := checkName(name); err != nil {
			return nil, fmt.Errorf("data: %s: %w; rename it there", redact.Address(s.Path), err)
		}
		all = append(all, joinAddress(s.Path, name))
	}
	slices.Sort(all)
	return all, nil
}

// checkName returns an error for the name of a shard on a server that cannot be a part of an address: it
// leaves the folder, or would be read as a query.
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "?\\") || strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, "://") {
		return fmt.Errorf("%q cannot be the name of a shard", name)
	}
	return nil
}

// noIndex says why there is no index beside shards.
type noIndex struct{ error }

func (n *noIndex) Unwrap() error { return n.error }

// besideIndex reads the index that data shard wrote beside the shards of a split. Without one the error is
// a noIndex.
func (c *cache) besideIndex(ctx context.Context, root, split string) ([]*shardIndex, error) {
	address := joinAddress(root, shardIndexName(split))
	content, err := c.fetch(ctx, address, maxIndexFile)
	if isAbsent(err) {
		return nil, &noIndex{atAddress(address, err)}
	}
	if err != nil {
		return nil, atAddress(address, err)
	}
	indices, err := readShardIndex(bytes.NewReader(content))
	if err == nil {
		err = checkNames(indices)
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w; write it again with train data shard, or remove it from the server: the shards are then read once to index them", redact.Address(address), err)
	}
	return indices, nil
}

func checkNames(indices []*shardIndex) error {
	for _, x := range indices {
		if err := checkName(x.Name); err != nil {
			return err
		}
	}
	return nil
}

// openRemote opens remote shards as a data set.
func (s Source) openRemote(ctx context.Context, root string, addresses []string) (*data.Dataset, error) {
	cache, err := s.remoteCache()
	if err != nil {
		return nil, err
	}
	var classes []string
	text, err := cache.fetch(ctx, joinAddress(root, shardsFile), maxShardsFile)
	if err == nil {
		var set shardSet
		set, err = parseShardSet(text)
		classes = set.Classes
	}
	if err != nil && !isAbsent(err) {
		return nil, atAddress(joinAddress(root, shardsFile), err)
	}
	indices, err := s.indexRemote(ctx, cache, root, addresses)
	if err != nil {
		return nil, err
	}
	return dataset(redact.Address(root), indices, classes, func(x *shardIndex) data.Container {
		return &remoteShard{cache: cache, address: joinAddress(root, x.Name), size: x.Size, version: x.Stamp}
	})
}

// indexRemote returns the indices of shards: from the index beside them, from the cache folder, or by
// downloading and scanning each once.
func (s Source) indexRemote(ctx context.Context, cache *cache, root string, addresses []string) ([]*shardIndex, error) {
	known := map[string]*shardIndex{}
	beside, err := cache.besideIndex(ctx, root, string(splitOf(addresses[0])))
	var absent *noIndex
	if err != nil && !errors.As(err, &absent) {
		return nil, err
	}
	for _, x := range beside {
		known[x.Name] = x
	}
	kept := index.Cache{Dir: s.Cache} // of any number of images: a scan downloads everything
	recorded := loadIndices(kept, "remote", addresses)
	indices := make([]*shardIndex, len(addresses))
	err = eachInParallel(ctx, len(addresses), data.Fetchers, func(ctx context.Context, i int) (err error) {
		name, err := nameBelow(root, addresses[i])
		if err != nil {
			return err
		}
		if indices[i] = known[name]; indices[i] == nil {
			indices[i], err = cache.index(ctx, addresses[i], name, recorded[name])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(known) == 0 {
		saveIndices(kept, "remote", addresses, indices)
	}
	return indices, nil
}

// index returns kept if the server has the same version, and scans the shard otherwise.
func (c *cache) index(ctx context.Context, address, name string, kept *shardIndex) (*shardIndex, error) {
	var object Object
	err := c.retry(ctx, address, func(ctx context.Context) (_ bool, err error) {
		object, err = c.remote.Stat(ctx, address)
		return false, err
	})
	if err != nil {
		return nil, atAddress(address, err)
	}
	if kept != nil && kept.Size == object.Size && kept.Stamp == object.Version {
		return kept, nil
	}
	s := &remoteShard{cache: c, address: address, size: object.Size, version: object.Version}
	x, err := scanShard(ctx, name, sequential{ctx, s}, object.Size)
	if err == nil {
		err = s.Fetch(ctx) // a scan does not read the end
	}
	if err != nil {
		return nil, atAddress(address, err)
	}
	x.Stamp = object.Version
	return x, nil
}

// sequential reads a remote shard for a scan while it is downloaded.
type sequential struct {
	ctx context.Context
	s   *remoteShard
}

func (q sequential) ReadAt(p []byte, offset int64) (int, error) {
	n := min(int64(len(p)), q.s.size-offset)
	if n <= 0 {
		return 0, io.EOF
	}
	if err := q.s.ReadAt(q.ctx, p[:n], offset); err != nil {
		return 0, err
	}
	if int(n) < len(p) {
		return int(n), io.EOF
	}
	return int(n), nil
}
