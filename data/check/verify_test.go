package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
)

func TestVerifyNamesUnreadableImagesInOrder(t *testing.T) {
	d := photos(t, 40, true)
	for _, workers := range []int{0, 1, 7} {
		got, _, err := Verify(t.Context(), d, workers)
		if err != nil {
			t.Fatal(err)
		}
		var want []data.Problem
		for _, s := range d.Samples {
			switch {
			case strings.HasSuffix(s.Path, "empty.jpg"):
				want = append(want, data.Problem{Path: s.Path, Reason: "the file is empty"})
			case strings.HasSuffix(s.Path, "text.png"):
				want = append(want, data.Problem{Path: s.Path, Reason: "not an image of a known format"})
			case strings.HasSuffix(s.Path, "gone.jpg"):
				want = append(want, data.Problem{Path: s.Path, Reason: "no such file or directory"})
			}
		}
		if !reflect.DeepEqual(got, want) || len(got) != 15 {
			t.Errorf("%d workers: %q, want %q", workers, got, want)
		}
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Verify(ctx, photos(t, 40, false), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestUnreadable(t *testing.T) {
	problems := make([]data.Problem, 12)
	for i := range problems {
		problems[i] = data.Problem{Path: "x.jpg", Reason: "broken"}
	}
	for _, c := range []struct {
		bad, images int
		limit       float64
		refused     bool
	}{
		{0, 10, 0, false}, {1, 10, 0, true}, {1, 10, 0.01, false}, {2, 10, 0.01, true},
		{10, 1000, 0.01, false}, {11, 1000, 0.01, true},
	} {
		err := Unreadable(problems[:c.bad], c.images, c.limit)
		var many *UnreadableError
		if errors.As(err, &many) != c.refused {
			t.Errorf("%d of %d at %v: %v", c.bad, c.images, c.limit, err)
		}
	}
	text := Unreadable(problems, 600, DefaultUnreadableLimit).Error()
	for _, want := range []string{"12 of 600", "1 %", "x.jpg: broken", "and 7 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
}

// photos returns a data set of n samples over the JPEGs of testdata in 3 classes, with some unreadable
// files among them if bad is set.
func photos(t testing.TB, n int, bad bool) *data.Dataset {
	t.Helper()
	files, err := filepath.Glob("../testdata/geometry/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatal("no images in testdata")
	}
	if bad {
		dir := datatest.Folder(t, map[string]string{"empty.jpg": "", "text.png": "text"})
		files = append(files, filepath.Join(dir, "empty.jpg"), filepath.Join(dir, "text.png"), filepath.Join(dir, "gone.jpg"))
	}
	d := &data.Dataset{Root: "../testdata", Classes: []string{"a", "b", "c"}}
	for i := range n {
		d.Samples = append(d.Samples, data.Sample{Path: files[i%len(files)], Class: i * 7 % 3})
	}
	return d
}

// fileErrors are errors of a single file.
var fileErrors = []syscall.Errno{
	syscall.ENOENT, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EACCES, syscall.EPERM, syscall.ENXIO,
	syscall.EINVAL, syscall.EOVERFLOW, syscall.EFBIG, syscall.EILSEQ,
}

func TestErrorsOfAFileSkipIt(t *testing.T) {
	d := photos(t, 12, false)
	for _, no := range fileErrors {
		datatest.InjectFaults(t, "40x40.jpg", &datatest.Faults{Err: no, Times: -1})
		problems, _, err := Verify(context.Background(), d, 2)
		if err != nil || len(problems) == 0 || problems[0].Reason != no.Error() {
			t.Errorf("%v: problems %q, error %v", no, problems, err)
		}
	}
}

func TestErrorsOfTheMachineEndVerify(t *testing.T) {
	d := photos(t, 41, false)
	for _, no := range datatest.MachineErrors {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprintf("%v/%d workers", no, workers), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					datatest.InjectFaults(t, "40x40.jpg", &datatest.Faults{Err: no, Times: -1})
					_, _, err := Verify(t.Context(), d, workers)
					var storage *data.StorageError
					if !errors.As(err, &storage) || !errors.Is(err, no) || !strings.Contains(err.Error(), "40x40.jpg") {
						t.Errorf("error %v, want a StorageError of %v", err, no)
					}
				})
			})
		}
	}
}
