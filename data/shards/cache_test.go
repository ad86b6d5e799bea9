package shards

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/data/internal/sys"
)

// memoryRemote is a Remote of objects in memory whose connections break.
type memoryRemote struct {
	mu      sync.Mutex
	objects map[string][]byte
	version string
	cut     int // bytes that an answer brings before it breaks; 0: all
	fails   int // answers that are failures, before the others
	opened  int
}

func (m *memoryRemote) Stat(_ context.Context, address string) (Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.objects[address]
	if !ok {
		return Object{}, fs.ErrNotExist
	}
	return Object{int64(len(content)), m.version}, nil
}

func (m *memoryRemote) Open(ctx context.Context, address string, offset int64) (io.ReadCloser, Object, error) {
	object, err := m.Stat(ctx, address)
	if err != nil {
		return nil, object, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened++
	if m.fails > 0 {
		m.fails--
		return nil, object, errors.New("connection reset")
	}
	rest := m.objects[address][offset:]
	if m.cut > 0 && len(rest) > m.cut {
		rest = rest[:m.cut]
	}
	return io.NopCloser(bytes.NewReader(rest)), object, nil
}

func (m *memoryRemote) List(context.Context, string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

func newMemory(shards, size int) *memoryRemote {
	m := &memoryRemote{objects: map[string][]byte{}, version: "1"}
	for i := range shards {
		m.objects[fmt.Sprintf("m://x/%d.tar", i)] = bytes.Repeat([]byte{byte('a' + i)}, size)
	}
	return m
}

func (m *memoryRemote) shard(c *cache, i int) *remoteShard {
	address := fmt.Sprintf("m://x/%d.tar", i)
	return &remoteShard{cache: c, address: address, size: int64(len(m.objects[address])), version: "1"}
}

func quickCache(dir string, limit int64, m *memoryRemote) *cache {
	c := newCache(dir, limit, m)
	c.waits = []time.Duration{0, 0, 0}
	return c
}

// kept lists the shards that a cache holds, by their first byte, and their bytes in all.
func kept(t *testing.T, dir string) (shards string, size int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	letters := map[byte]bool{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if size += len(content); strings.HasSuffix(e.Name(), ".tar") {
			letters[content[0]] = true
		}
	}
	for c := byte('a'); c <= 'z'; c++ {
		if letters[c] {
			shards += string(c)
		}
	}
	return shards, size
}

func fetchShard(t *testing.T, s *remoteShard) {
	t.Helper()
	p := make([]byte, s.size)
	if err := s.ReadAt(t.Context(), p, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Fetch(t.Context()); err != nil { // until it is in its place
		t.Fatal(err)
	}
	if want := s.address[len("m://x/")] - '0' + 'a'; p[0] != want || p[len(p)-1] != want {
		t.Errorf("%s holds %q", s.address, p[0])
	}
}

// settle waits until no download is under way.
func settle(c *cache) {
	for {
		c.mu.Lock()
		n := len(c.downloads)
		c.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestCacheEvictsTheLeastRecentlyUsed(t *testing.T) {
	m, dir := newMemory(5, 1000), t.TempDir()
	c := quickCache(dir, 3500, m)
	old := time.Now().Add(-time.Hour)
	for i := range 3 {
		s := m.shard(c, i)
		fetchShard(t, s)
		settle(c)
		if err := os.Chtimes(c.path(s), old, old.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	fetchShard(t, m.shard(c, 0)) // used again
	fetchShard(t, m.shard(c, 3))
	settle(c)
	if shards, size := kept(t, dir); shards != "acd" || size > 3500 {
		t.Errorf("%d bytes of shards %s, want acd", size, shards)
	}
	if m.opened != 4 {
		t.Errorf("%d downloads, want 4", m.opened)
	}
}

// TestTwoProcessesShareACache: two caches in one folder, as two processes have them, return the right
// bytes, keep the limit, and leave no partial file. Each of the four readers has at most two downloads
// in progress, the last of which may be about to be renamed.
func TestTwoProcessesShareACache(t *testing.T) {
	m, dir := newMemory(10, 1000), t.TempDir()
	m.cut = 300
	var wg sync.WaitGroup
	for process := range 2 {
		c := quickCache(dir, 9000, m)
		for reader := range 2 {
			wg.Go(func() {
				for i := range 40 {
					s := m.shard(c, (i*(3+process)+reader)%10)
					p := make([]byte, 10)
					if err := errors.Join(s.ReadAt(t.Context(), p, int64(i*20)), s.Fetch(t.Context())); err != nil {
						t.Error(err)
					} else if want := s.address[len("m://x/")] - '0' + 'a'; p[0] != want || p[9] != want {
						t.Errorf("%s holds %q", s.address, p)
					}
					if _, err := os.Stat(filepath.Join(dir, ".lock")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		defer settle(c)
	}
	wg.Wait()
	if entries, err := filepath.Glob(filepath.Join(dir, "*.tar")); err != nil || len(entries) > 9 {
		t.Errorf("%d shards of 1000 bytes in a cache of 9000", len(entries))
	}
}

func TestAbandonedDownloadsAreRemoved(t *testing.T) {
	m, dir := newMemory(2, 1000), t.TempDir()
	c := quickCache(dir, 2500, m)
	if err := os.WriteFile(filepath.Join(dir, partialPrefix+"dead"), make([]byte, 2000), 0o644); err != nil {
		t.Fatal(err)
	}
	live, err := os.Create(filepath.Join(dir, partialPrefix+"live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := errors.Join(live.Truncate(1000), syscall.Flock(int(live.Fd()), syscall.LOCK_EX)); err != nil {
		t.Fatal(err)
	}
	fetchShard(t, m.shard(c, 0))
	settle(c)
	fetchShard(t, m.shard(c, 1)) // in place of the first: the live one's room is taken
	settle(c)
	if shards, size := kept(t, dir); shards != "b" || size != 2000 {
		t.Errorf("shards %s, %d bytes", shards, size)
	}
}

func TestDownloadsAreRetried(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*memoryRemote)
		limit  int64
		want   string // in the error; "": none
	}{
		{"every answer breaks", func(m *memoryRemote) { m.cut = 10 }, 0, ""},
		{"failures", func(m *memoryRemote) { m.fails = 3 }, 0, ""},
		{"too many failures", func(m *memoryRemote) { m.fails = 4 }, 0, "connection reset, 4 times"},
		{"gone", func(m *memoryRemote) { delete(m.objects, "m://x/0.tar") }, 0, "not exist"},
		{"another size", func(m *memoryRemote) { m.objects["m://x/0.tar"] = []byte("short") }, 0, "changed"},
		{"another version", func(m *memoryRemote) { m.version = "2" }, 0, "changed"},
		{"a small cache", func(*memoryRemote) {}, 900, "smaller than a shard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, dir := newMemory(1, 1000), t.TempDir()
			cache := quickCache(dir, c.limit, m)
			s := m.shard(cache, 0)
			c.change(m)
			if c.want == "" {
				fetchShard(t, s)
				return
			}
			err := s.ReadAt(t.Context(), make([]byte, 10), 990)
			var storage *sys.StorageError
			if !errors.As(err, &storage) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want a sys.StorageError with %q", err, c.want)
			}
			settle(cache)
			if shards, size := kept(t, dir); shards != "" || size != 0 {
				t.Errorf("it left %d bytes", size)
			}
		})
	}
}

// hanging is a Remote that brings the first bytes and then nothing.
type hanging struct{ *memoryRemote }

func (h hanging) Open(ctx context.Context, address string, offset int64) (io.ReadCloser, Object, error) {
	body, object, err := h.memoryRemote.Open(ctx, address, offset)
	if err != nil {
		return nil, object, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(body, 100), blocked{ctx}), body}, object, nil
}

type blocked struct{ ctx context.Context }

func (b blocked) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

// TestTheBeginningIsReadDuringTheDownload, and a wait for the rest ends with its context.
func TestTheBeginningIsReadDuringTheDownload(t *testing.T) {
	m, dir := newMemory(1, 1000), t.TempDir()
	c := newCache(dir, 0, hanging{m})
	ctx, cancel := context.WithCancel(t.Context())
	s := m.shard(c, 0)
	p := make([]byte, 50)
	if err := s.ReadAt(ctx, p, 50); err != nil || p[49] != 'a' {
		t.Fatalf("%q, %v", p, err)
	}
	go cancel()
	if err := s.ReadAt(ctx, p, 60); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestAddresses(t *testing.T) {
	if got := joinAddress("s3://b/f/?region=x", "a/b.tar"); got != "s3://b/f/a/b.tar?region=x" {
		t.Error(got)
	}
	if folder, name := splitAddress("s3://b/f/a.tar?region=x"); folder != "s3://b/f?region=x" || name != "a.tar" {
		t.Error(folder, name)
	}
	all := []string{"http://h/x/train/0.tar?k=1", "http://h/x/train/1.tar?k=1", "http://h/x/val/0.tar?k=1"}
	root := commonFolder(all)
	if root != "http://h/x?k=1" {
		t.Error(root)
	}
	if name, err := nameBelow(root, all[2]); name != "val/0.tar" || err != nil {
		t.Error(name, err)
	}
	if name, err := nameBelow("http://h/x/?k=1", all[2]); name != "val/0.tar" || err != nil {
		t.Error(name, err)
	}
	for _, other := range []string{"http://h/y/0.tar?k=1", "http://h/x/0.tar?k=2"} {
		if name, err := nameBelow(root, other); err == nil {
			t.Errorf("%s: %s", other, name)
		}
	}
}
