package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
)

func TestReadsAreRepeatedAfterDiskErrors(t *testing.T) {
	for _, no := range datatest.MachineErrors {
		t.Run(no.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &datatest.Faults{Err: no, Times: len(sys.Waits)}
				datatest.InjectFaults(t, "40x40.jpg", f)
				start := time.Now()
				if _, err := LoadImage("testdata/geometry/40x40.jpg", Preprocess{Resolution: 32}); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); f.Calls("testdata/geometry/40x40.jpg") != len(sys.Waits)+1 || waited != 2*time.Second {
					t.Errorf("%d tries in %v", f.Calls("testdata/geometry/40x40.jpg"), waited)
				}
			})
		})
	}
}

func TestPersistentDiskErrorsEndTheEpoch(t *testing.T) {
	d := photos(t, 41, false)
	for _, no := range datatest.MachineErrors {
		for _, workers := range []int{0, 1, 4} {
			t.Run(fmt.Sprintf("%v/%d workers", no, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					datatest.InjectFaults(t, "40x40.jpg", &datatest.Faults{Err: no, Times: -1})
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
				})
			})
		}
	}
}

func checkStorageError(t *testing.T, err error, no syscall.Errno) {
	t.Helper()
	var storage *sys.StorageError
	if !errors.As(err, &storage) || !errors.Is(err, no) {
		t.Fatalf("error %v, want a sys.StorageError of %v", err, no)
	}
	for _, want := range []string{"40x40.jpg", no.Error(), "4 times", ";"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
}

func TestDiskErrorsHideNoFolder(t *testing.T) {
	dir := datatest.Folder(t, map[string]string{"a/1.jpg": "x", "a/deep/2.jpg": "x", "b/3.jpg": "x"})
	if err := os.Symlink("3.jpg", filepath.Join(dir, "b", "link.jpg")); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"deep", "b", "link.jpg", filepath.Base(dir)} {
		t.Run(part, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &datatest.Faults{Err: syscall.ESTALE, Times: 1}
				datatest.InjectFaults(t, string(filepath.Separator)+part, f)
				if d, err := OpenFolder(dir); err != nil || d.Len() != 4 {
					t.Errorf("after one failure: %v", err)
				}
				f.Times = -1
				var storage *sys.StorageError
				if d, err := OpenFolder(dir); !errors.As(err, &storage) {
					t.Errorf("data set %+v, error %v: want a StorageError", d, err)
				}
			})
		})
	}
}
