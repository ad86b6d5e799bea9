package shards

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/atomicfile"
)

// noted is a Remote that keeps the messages for the user.
type noted struct {
	Remote
	texts *[]string
}

func (n noted) Note(text string) { *n.texts = append(*n.texts, text) }

// TestRetriesAreBoundedAndShown: a server that brings a few bytes and breaks off is given up, each attempt
// is shown, and a busy server's time is respected up to a bound.
func TestRetriesAreBoundedAndShown(t *testing.T) {
	var texts []string
	m := newMemory(1, 1<<20)
	m.cut = 1
	c := newCache(t.TempDir(), 0, noted{m, &texts})
	c.waits = []time.Duration{0, 0, 0}
	err := m.shard(c, 0).Fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "unexpected EOF, 4 times") || m.opened != 4 {
		t.Errorf("%d connections, error %v", m.opened, err)
	}
	if len(texts) != 3 || texts[2] != "data: m://x/0.tar: unexpected EOF; attempt 4 of at most 4 in 0s" {
		t.Errorf("messages %q", texts)
	}
	settle(c)

	attempts := 0
	c.patience = time.Nanosecond
	err = c.retry(t.Context(), "m://x", func(context.Context) (bool, error) {
		attempts++
		time.Sleep(time.Millisecond)
		return false, errors.New("no answer")
	})
	if attempts != 2 || err == nil {
		t.Errorf("%d attempts without patience, error %v", attempts, err)
	}
}

type busy struct{ wait time.Duration }

func (busy) Error() string { return "503" }

func (b busy) RetryAfter() time.Duration { return b.wait }

func TestRetryAfterIsBounded(t *testing.T) {
	for _, c := range []struct {
		asked time.Duration
		want  string
	}{{0, "in 1ms"}, {-time.Hour, "in 1ms"}, {2 * time.Second, "in 2s"}, {1e6 * time.Hour, "in 1m0s"}} {
		var texts []string
		ctx, cancel := context.WithCancel(t.Context())
		c1 := newCache(t.TempDir(), 0, noted{newMemory(0, 0), &texts})
		c1.waits = []time.Duration{time.Millisecond}
		_ = c1.retry(ctx, "m://x", func(context.Context) (bool, error) {
			time.AfterFunc(10*time.Millisecond, cancel)
			return false, fmt.Errorf("remote: %w", busy{c.asked})
		})
		cancel()
		if len(texts) == 0 || !strings.HasSuffix(texts[0], c.want) {
			t.Errorf("%v: %q, want %q", c.asked, texts, c.want)
		}
	}
}

// TestProgress: what a connection must bring to be continued without end.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		name        string
		size, bytes int64
		took        time.Duration
		want        bool
	}{
		{"a part of a large shard", 1 << 30, 64 << 10, time.Second, true},
		{"a few bytes of a large shard", 1 << 30, 1000, time.Second, false},
		{"a part of a small shard", 1000, 10, time.Millisecond, true},
		{"nothing", 10, 0, time.Millisecond, false},
		{"slow but steady, 50 KB/s", 1 << 30, 50_000 * 60, time.Minute, true},
		{"one byte a second", 100, 60, time.Minute, false},
		{"a part, then silence", 1 << 30, 64 << 10, 30 * time.Second, false},
	} {
		d := &download{size: c.size}
		if got := d.progressed(c.bytes, c.took); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestVersionsOfParts: the parts of a shard have one version.
func TestVersionsOfParts(t *testing.T) {
	for _, c := range []struct {
		name                string
		known, sent         string
		size, written, from int64
		same                bool
	}{
		{"the first part", "", "1", 9, 0, 0, true},
		{"the same", "1", "1", 9, 5, 0, true},
		{"another", "1", "2", 9, 5, 0, false},
		{"none for the first part", "1", "", 9, 0, 0, true},
		{"none for a later part", "1", "", 9, 5, 0, false},
		{"never any", "", "", 9, 5, 0, true},
		{"another size", "1", "1", 8, 5, 0, false},
	} {
		d := &download{address: "https://u:secret@h/x", size: 9, version: c.known, written: c.written}
		err := d.same(Object{Size: c.size, Version: c.sent})
		if (err == nil) != c.same || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// TestDamagedCopyIsDownloadedAgain: a file of the wrong size under the name of a shard is replaced.
func TestDamagedCopyIsDownloadedAgain(t *testing.T) {
	var texts []string
	m := newMemory(1, 1000)
	c := newCache(t.TempDir(), 0, noted{m, &texts})
	s := m.shard(c, 0)
	fetchShard(t, s)
	settle(c)
	if err := os.Truncate(c.path(s), 10); err != nil {
		t.Fatal(err)
	}
	fetchShard(t, s)
	if m.opened != 2 || len(texts) != 1 || !strings.Contains(texts[0], "10 bytes instead of 1000") {
		t.Errorf("%d downloads, messages %q", m.opened, texts)
	}
}

// faultyDisk fails to rename or to sync a folder.
type faultyDisk struct {
	atomicfile.OS
	rename, sync error
}

func (f faultyDisk) Rename(from, to string) error {
	return errors.Join(f.rename, f.OS.Rename(from, to))
}

func (f faultyDisk) SyncDir(string) error { return f.sync }

func TestFaultsOfTheCacheDisk(t *testing.T) {
	full := errors.New("no space left on device")
	for name, disk := range map[string]faultyDisk{"rename": {rename: full}, "sync of the folder": {sync: full}} {
		m := newMemory(1, 1000)
		c := quickCache(t.TempDir(), 0, m)
		c.disk = disk
		err := m.shard(c, 0).Fetch(t.Context())
		var storage *sys.StorageError
		if !errors.As(err, &storage) || !errors.Is(err, full) || storage.Path != c.dir {
			t.Errorf("%s: error %v", name, err)
		}
		settle(c)
		if left, _ := filepath.Glob(filepath.Join(c.dir, partialPrefix+"*")); len(left) > 0 {
			t.Errorf("%s: it left %q", name, left)
		}
	}
}

// TestSecretsOfAddresses: neither errors nor data sets contain them.
func TestSecretsOfAddresses(t *testing.T) {
	m := newMemory(0, 0)
	for name, content := range map[string][]byte{"train.index.gz": indexOf(t, strings.Replace(shardLine, "a.tar", "train-0.tar", 1), 1), "train-0.tar": make([]byte, 2048)} {
		m.objects["m://user:secret@x/f/"+name+"?sig=secret"] = content
	}
	s := Source{Path: "m://user:secret@x/f?sig=secret", Cache: t.TempDir(), Remote: m}
	found, _, err := s.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := s.Open(t.Context(), found.Root, found.Train)
	if err != nil {
		t.Fatal(err)
	}
	if set.Root != "m://xxxxx@x/f?sig=xxxxx" || set.Samples[0].Path != "m://xxxxx@x/f/train-0.tar?sig=xxxxx/a.jpg" {
		t.Errorf("%q, %q", set.Root, set.Samples[0].Path)
	}
	delete(m.objects, "m://user:secret@x/f/train-0.tar?sig=secret")
	err = set.Samples[0].Part.In.ReadAt(t.Context(), make([]byte, 10), 512)
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "m://xxxxx@x/f/train-0.tar?sig=xxxxx") {
		t.Errorf("error %v", err)
	}
	for _, path := range []string{"m://user:secret@x/g?sig=secret", "m://user:secret@x/f/b.tar?sig=secret", "m://user:secret@x/{a?sig=secret"} {
		s.Path = path
		found, _, err := s.Find(t.Context())
		if err == nil {
			_, err = s.Open(t.Context(), found.Root, found.Train)
		}
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", path, err)
		}
	}
}
