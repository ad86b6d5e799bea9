package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/sys"
)

// bigTree makes classes folders of images names each; some classes have folders within.
func bigTree(t testing.TB, classes, images int) string {
	t.Helper()
	dir := t.TempDir()
	for c := range classes {
		for i := range images {
			folder := filepath.Join(dir, fmt.Sprintf("n%08d", c))
			if c%7 == 3 && i%2 == 0 {
				folder = filepath.Join(folder, "more", "and-more")
			}
			path := filepath.Join(folder, fmt.Sprintf("n%08d_%d.JPEG", c, i))
			if i == 0 {
				path = filepath.Join(folder, "notes.txt")
			}
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// countReads counts the folders that are read while a test runs.
func countReads(t *testing.T) *atomic.Int64 {
	t.Helper()
	was := sys.Disk.ReadDir
	t.Cleanup(func() { sys.Disk.ReadDir = was })
	var n atomic.Int64
	sys.Disk.ReadDir = func(path string) ([]fs.DirEntry, error) {
		n.Add(1)
		return was(path)
	}
	return &n
}

// pause lets the clock that stamps folders move on: it has grains of up to 10 ms.
func pause() { time.Sleep(25 * time.Millisecond) }

// TestKeptListingEqualsAFreshOne: after every kind of change, and reading no more folders
// than have changed.
func TestKeptListingEqualsAFreshOne(t *testing.T) {
	dir, cache := bigTree(t, 30, 40), index.Cache{Dir: t.TempDir(), From: 1}
	class := func(n int, rest ...string) string {
		return filepath.Join(append([]string{dir, fmt.Sprintf("n%08d", n)}, rest...)...)
	}
	before, err := os.Stat(class(5))
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string) error { return os.WriteFile(path, nil, 0o644) }
	reads := countReads(t)
	for _, c := range []struct {
		name   string
		change func() error
		reads  int64 // the folders that may be read: the root's and those of changed classes
	}{
		{"first", func() error { return nil }, 1 + 30 + 2*4},
		{"nothing", func() error { return nil }, 1},
		{"an image more", func() error { return write(class(0, "new.jpg")) }, 2},
		{"an image less", func() error { return os.Remove(class(1, "n00000001_7.JPEG")) }, 2},
		{"another name", func() error { return os.Rename(class(2, "n00000002_7.JPEG"), class(2, "zzz.png")) }, 2},
		{"deep within", func() error { return write(class(3, "more", "and-more", "new.gif")) }, 4},
		{"a folder more", func() error { return errors.Join(os.Mkdir(class(4, "deep"), 0o755), write(class(4, "deep", "x.jpg"))) }, 3},
		{"a time that was put back", func() error {
			return errors.Join(write(class(5, "hidden-change.jpg")), os.Chtimes(class(5), before.ModTime(), before.ModTime()))
		}, 2},
		{"no image any more", func() error {
			return errors.Join(os.Remove(class(6, "n00000006_1.JPEG")), syscall.Mkfifo(class(6, "n00000006_1.JPEG"), 0o644))
		}, 2},
		{"a class more", func() error { return errors.Join(os.Mkdir(class(99), 0o755), write(class(99, "a.jpg"))) }, 2},
		{"a class less", func() error { return os.RemoveAll(class(7)) }, 1},
		{"a class in another's place", func() error { return errors.Join(os.RemoveAll(class(8)), os.Rename(class(9), class(8))) }, 2},
		{"an unknown format", func() error { return write(class(11, "a.heic")) }, 2},
		{"nothing again", func() error { return nil }, 1},
		{"a name that is not UTF-8", func() error { return write(class(12, "\xff.jpg")) }, 2},
		{"a link", func() error { return os.Symlink(class(0, "new.jpg"), class(13, "link.jpg")) }, 3},
		{"the link's end", func() error { return os.Remove(class(0, "new.jpg")) }, 4},
		{"links and odd names are read each time", func() error { return nil }, 3},
		{"a damaged listing", func() error { return os.WriteFile(cache.Path("folder", dir), []byte("rubbish"), 0o644) }, 1 + 29 + 2*4 + 1},
	} {
		pause()
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		pause()
		reads.Store(0)
		got, gotEmpty, err := listFolder(dir, cache)
		if err != nil {
			t.Fatal(err)
		}
		n := reads.Load()
		want, wantEmpty, err := listFolder(dir, index.Cache{})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotEmpty, wantEmpty) {
			t.Errorf("%s: the kept listing differs from a fresh one", c.name)
		}
		if n > c.reads {
			t.Errorf("%s: %d folders were read, want at most %d", c.name, n, c.reads)
		}
	}
}

func TestFoldersChangedJustNowAreNotKept(t *testing.T) {
	dir, cache := bigTree(t, 3, 3), index.Cache{Dir: t.TempDir(), From: 1, Settled: time.Hour}
	reads := countReads(t)
	for range 2 {
		reads.Store(0)
		if _, _, err := listFolder(dir, cache); err != nil {
			t.Fatal(err)
		}
		if reads.Load() != 4 {
			t.Errorf("%d folders were read, want all 4", reads.Load())
		}
	}
}

func TestSmallFoldersAreNotKept(t *testing.T) {
	dir, cache := bigTree(t, 3, 3), index.New(t.TempDir())
	if _, _, err := listFolder(dir, cache); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(cache.Dir); err != nil || len(entries) > 0 {
		t.Errorf("kept %v, %v", entries, err)
	}
}

func FuzzReadFolderIndex(f *testing.F) {
	var b strings.Builder
	if err := writeFolderIndex(&b, []*keptClass{{Class: "a", Folders: []keptFolder{{Path: "b", Names: "1.jpg/2.jpg"}}, Problems: []Problem{{"x", "y"}}}, nil}); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(b.String()))
	f.Fuzz(func(t *testing.T, content []byte) {
		known, err := readFolderIndex(strings.NewReader(string(content[:min(len(content), 1<<16)])))
		for name, k := range known {
			if err != nil || k.Class != name || len(k.Folders) == 0 {
				t.Fatal("accepted what it refuses")
			}
			k.listing("root")
		}
	})
}

// BenchmarkListing lists the folder LISTING_DIR, or a small one, afresh and from a kept listing.
func BenchmarkListing(b *testing.B) {
	dir := os.Getenv("LISTING_DIR")
	if dir == "" {
		dir = bigTree(b, 100, 100)
	}
	cache := index.Cache{Dir: b.TempDir(), From: 1}
	for _, c := range []struct {
		name  string
		cache index.Cache
	}{{"fresh", index.Cache{}}, {"first", cache}, {"kept", cache}} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				if c.name == "first" {
					os.Remove(cache.Path("folder", dir))
				}
				d, _, err := listFolder(dir, c.cache)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(d.Len()), "images")
			}
		})
	}
}
