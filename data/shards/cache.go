package shards

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/redact"
)

// DefaultCacheBytes is the default size of the cache of remote shards.
const DefaultCacheBytes = 50 << 30

// cache keeps the most recently used remote shards on disk, up to a number of bytes. A shard appears
// under its name when it is complete. Several processes may share a folder: each reserves the space for
// a shard under a lock before it downloads it.
type cache struct {
	dir    string
	limit  int64
	remote Remote
	waits  []time.Duration // between attempts
	// patience bounds the time without progress.
	patience time.Duration
	disk     publisher

	mu        sync.Mutex
	downloads map[string]*download // in progress in this process, by path
}

// publisher gives a complete file its name durably. Tests replace it to inject faults.
type publisher interface {
	Rename(from, to string) error
	SyncDir(dir string) error
}

func newCache(dir string, limit int64, remote Remote) *cache {
	if limit == 0 {
		limit = DefaultCacheBytes
	}
	return &cache{dir: dir, limit: limit, remote: remote, waits: remoteWaits, patience: patience, disk: atomicfile.OS{}, downloads: map[string]*download{}}
}

// path is the file of a shard with this address, size and version.
func (c *cache) path(s *remoteShard) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", s.address, s.size, s.version))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".tar")
}

// begin returns the download of a shard, which it starts if necessary. The download continues when ctx
// ends, since the next epoch needs the shard.
func (c *cache) begin(ctx context.Context, s *remoteShard) (*download, error) {
	path := c.path(s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.downloads[path]; d != nil {
		return d, nil
	}
	file, err := c.reserve(s.size)
	if err != nil {
		return nil, &sys.StorageError{Path: c.dir, Tries: 1, Err: err}
	}
	d := newDownload(s.address, s.size, s.version, file)
	c.downloads[path] = d
	go c.run(context.WithoutCancel(ctx), d, path)
	return d, nil
}

// run downloads a shard and renames it to its final name.
func (c *cache) run(ctx context.Context, d *download, path string) {
	err := c.retry(ctx, d.address, func(ctx context.Context) (bool, error) { return d.once(ctx, c.remote) })
	if err == nil {
		if err = c.publish(d.file, path); err != nil { // readers that have their bytes do not see the error
			c.note(fmt.Sprintf("data: %s is not kept in the cache: %v", redact.Address(d.address), err))
		}
	}
	if err != nil {
		os.Remove(d.file.Name())
	}
	c.mu.Lock()
	delete(c.downloads, path)
	c.mu.Unlock()
	d.end(err)
	d.file.Close() // readers open the complete shard instead
}

// publish renames a complete file to its name. Its content reaches the disk first: after a power failure no
// shard has parts that are missing.
func (c *cache) publish(file *os.File, path string) error {
	err := file.Sync()
	if err == nil {
		err = c.disk.Rename(file.Name(), path)
	}
	if err == nil {
		err = c.disk.SyncDir(c.dir)
	}
	if err != nil {
		return &sys.StorageError{Path: c.dir, Tries: 1, Err: err}
	}
	return nil
}

// reserve creates a file of a given size and removes the least recently used shards to make room. The
// file stays locked while it is filled, so that other processes do not remove it.
func (c *cache) reserve(size int64) (*os.File, error) {
	if size > c.limit {
		return nil, fmt.Errorf("the cache of %d MB is smaller than a shard of %d MB; increase it (--shard-cache)", c.limit>>20, size>>20)
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("the cache folder: %w; set XDG_CACHE_HOME to a folder that can be written", err)
	}
	lock, err := os.OpenFile(filepath.Join(c.dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if err := c.makeRoom(size); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(c.dir, partialPrefix+"*")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), file.Truncate(size)); err != nil {
		os.Remove(file.Name())
		file.Close()
		return nil, err
	}
	return file, nil
}

const partialPrefix = ".partial-"

// makeRoom removes the least recently used shards until size bytes fit.
func (c *cache) makeRoom(size int64) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var whole []fs.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		path := filepath.Join(c.dir, e.Name())
		switch {
		case err != nil || e.Name() == ".lock" || !info.Mode().IsRegular():
		case strings.HasPrefix(e.Name(), partialPrefix):
			if !abandoned(path) {
				total += info.Size()
			}
		case strings.HasSuffix(e.Name(), ".tar"):
			total += info.Size()
			whole = append(whole, info)
		}
	}
	slices.SortFunc(whole, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range whole {
		if total+size <= c.limit {
			break
		}
		if err := os.Remove(filepath.Join(c.dir, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= info.Size()
	}
	if total+size > c.limit {
		return fmt.Errorf("the cache of %d MB is too small for the shards that are downloaded at the same time; increase it (--shard-cache)", c.limit>>20)
	}
	return nil
}

// abandoned removes a partial file if the process that was filling it has ended.
func abandoned(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		return false
	}
	os.Remove(path)
	return true
}
