package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"depthwise.dev/data/jpeg"
)

// faults is a disk that fails: each call of a path in the list fails with err, the first
// times calls of it (times < 0: always).
type faults struct {
	err   error
	times int
	mu    sync.Mutex
	calls map[string]int
}

func (f *faults) fail(op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[path]++
	if f.times < 0 || f.calls[path] <= f.times {
		return &fs.PathError{Op: op, Path: path, Err: f.err}
	}
	return nil
}

// failing puts f in the place of the disk for paths that contain part, until the test ends.
func failing(t testing.TB, part string, f *faults) {
	whole := disk
	t.Cleanup(func() { disk = whole })
	f.calls = map[string]int{}
	check := func(op, path string) error {
		if strings.Contains(path, part) {
			return f.fail(op, path)
		}
		return nil
	}
	disk.readFile = func(d *jpeg.Decoder, path string, limit int64) ([]byte, error) {
		if err := check("read", path); err != nil {
			return nil, err
		}
		return whole.readFile(d, path, limit)
	}
	disk.readDir = func(path string) ([]fs.DirEntry, error) {
		if err := check("readdir", path); err != nil {
			return nil, err
		}
		return whole.readDir(path)
	}
	disk.stat = func(path string) (fs.FileInfo, error) {
		if err := check("stat", path); err != nil {
			return nil, err
		}
		return whole.stat(path)
	}
}

// ofTheMachine are errors that must never leave an image out.
var ofTheMachine = []syscall.Errno{
	syscall.ESTALE, syscall.ETIMEDOUT, syscall.EIO, syscall.EREMOTEIO, syscall.ENOTCONN, syscall.EHOSTDOWN,
	syscall.EAGAIN, syscall.ENODEV, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EBUSY,
}

func TestAFailingDiskIsTriedAgain(t *testing.T) {
	for _, no := range ofTheMachine {
		t.Run(no.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faults{err: no, times: len(waits)}
				failing(t, "40x40.jpg", f)
				start := time.Now()
				if _, err := LoadImage("testdata/geometry/40x40.jpg", Preprocess{Resolution: 32}); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); f.calls["testdata/geometry/40x40.jpg"] != len(waits)+1 || waited != 2*time.Second {
					t.Errorf("%v tries in %v", f.calls, waited)
				}
			})
		})
	}
}

func TestADiskThatStaysGoneEndsTheRun(t *testing.T) {
	d := photos(t, 41, false)
	for _, no := range ofTheMachine {
		for _, workers := range []int{0, 1, 4} {
			t.Run(fmt.Sprintf("%v/%d workers", no, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					failing(t, "40x40.jpg", &faults{err: no, times: -1})
					it := newLoader(t, d, training(workers)).Epoch(t.Context(), 0, 0)
					defer it.Close()
					var err error
					for err == nil {
						var b *Batch
						if b, err = it.Next(); err == nil && len(b.Skipped) > 0 {
							t.Fatalf("left out %q", b.Skipped)
						}
					}
					checkStorageError(t, err, no)
					_, err = Verify(t.Context(), d, max(workers, 1))
					checkStorageError(t, err, no)
				})
			})
		}
	}
}

func checkStorageError(t *testing.T, err error, no syscall.Errno) {
	t.Helper()
	var storage *StorageError
	if !errors.As(err, &storage) || !errors.Is(err, no) {
		t.Fatalf("error %v, want a StorageError of %v", err, no)
	}
	for _, want := range []string{"40x40.jpg", no.Error(), "4 times", ";"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
}

func TestAFailingDiskHidesNoFolder(t *testing.T) {
	dir := folderOf(t, map[string]string{"a/1.jpg": "x", "a/deep/2.jpg": "x", "b/3.jpg": "x"})
	if err := os.Symlink("3.jpg", filepath.Join(dir, "b", "link.jpg")); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"deep", "b", "link.jpg", filepath.Base(dir)} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faults{err: syscall.ESTALE, times: 1}
				failing(t, string(filepath.Separator)+part, f)
				if d, err := OpenFolder(dir); err != nil || d.Len() != 4 {
					t.Errorf("after one failure: %v", err)
				}
				f.times = -1
				var storage *StorageError
				if d, err := OpenFolder(dir); !errors.As(err, &storage) {
					t.Errorf("data set %+v, error %v: want a StorageError", d, err)
				}
			})
		})
	}
}

// folderOf makes files of the given contents in a new folder.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestErrorsOfAFileLeaveItOut(t *testing.T) {
	d := photos(t, 12, false)
	for _, no := range ofTheFile {
		failing(t, "40x40.jpg", &faults{err: no, times: -1})
		problems, err := Verify(context.Background(), d, 2)
		if err != nil || len(problems) == 0 || problems[0].Reason != no.Error() {
			t.Errorf("%v: problems %q, error %v", no, problems, err)
		}
	}
}
