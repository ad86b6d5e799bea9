package datasets

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/names"
)

func TestOpenValChoosesThePart(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    []string
		path     string
		valSplit float64
		root     string // "": an error
		images   int
		problems int
	}{
		{"val", in("train", "val", "test"), ".", 0, "val", 4, 0},
		{"Validation", in("Train", "Validation"), ".", 0, "Validation", 4, 0},
		{"train, to hold out from", in("Training", "Testing"), ".", 0.5, "Training", 4, 0},
		{"test", in("train", "test"), ".", 0, "test", 4, 0},
		{"only test", in("test"), ".", 0.5, "test", 4, 0},
		{"the folder of test", in("train", "test"), "test", 0, "test", 4, 0},
		{"classes", in("."), ".", 0, ".", 4, 0},
		{"train alone", in("train"), ".", 0, "", 0, 0},
		{"the folder of train", in("train"), "train", 0, "train", 4, 0},
		{"an empty class", append(in("val"), "val/owl/readme.txt"), ".", 0, "val", 4, 1},
		{"an empty class in the folder of val", append(in("val"), "val/owl/readme.txt"), "val", 0, "val", 4, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, c.files...)
			d, own, err := Source{Path: filepath.Join(dir, c.path), ValSplit: c.valSplit}.OpenVal(t.Context())
			if c.root == "" {
				var layout *LayoutError
				if !errors.As(err, &layout) || !strings.Contains(err.Error(), filepath.Join(dir, "train")) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if part := names.SplitOfFolder(c.root); own != (part == names.Val || part == names.Test) && c.path == "." {
				t.Errorf("own is %v for %s", own, c.root)
			}
			if d.Root != filepath.Join(dir, c.root) || d.Len() != c.images || len(d.Problems) != c.problems {
				t.Errorf("%d images of %s, problems %v; want %d of %s, %d", d.Len(), d.Root, d.Problems, c.images, c.root, c.problems)
			}
		})
	}
}

func TestOpenMatchesUnicodeForms(t *testing.T) {
	dir := datatest.EmptyFiles(t, "train/caf\u00e9/1.jpg", "train/dog/1.jpg", "val/cafe\u0301/2.jpg", "val/dog/2.jpg")
	train, val, err := Open(dir, 0, 0)
	if err != nil || len(val.Problems) != 0 || !reflect.DeepEqual(val.Counts(), []int{1, 1}) || len(train.Classes) != 2 {
		t.Errorf("val %+v, error %v", val, err)
	}
}

func TestOpenShardsOfTest(t *testing.T) {
	dir := t.TempDir()
	writeShard(t, filepath.Join(dir, "train-0.tar"), 2)
	writeShard(t, filepath.Join(dir, "test-0.tar"), 2)
	train, val, err := Open(dir, 0, 0)
	if err == nil || !strings.Contains(err.Error(), "--val-split") {
		t.Errorf("%v, %v, error %v; want that test is not used to validate", train, val, err)
	}
	d, _, err := Source{Path: dir}.OpenVal(t.Context())
	if err != nil || d.Len() != 2 || !strings.Contains(d.Samples[0].Path, "test-0.tar") {
		t.Errorf("%+v, error %v; want the test part", d, err)
	}
	parts, err := Source{Path: dir}.Parts(t.Context())
	if err != nil || len(parts) != 2 || parts[0].Name != "train" || parts[1].Name != "test" {
		t.Errorf("%+v, error %v", parts, err)
	}
}

// writeShard writes a shard with a file for each of the classes 0, 1 and so on.
func writeShard(t *testing.T, path string, classes int) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for class := range classes {
		for _, member := range [][2]string{{".jpg", "x"}, {".cls", fmt.Sprint(class)}} {
			header := &tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprint(class) + member[0], Size: int64(len(member[1]))}
			if err := w.WriteHeader(header); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(member[1])); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	datatest.Write(t, path, b.Bytes())
}
