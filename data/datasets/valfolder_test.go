package datasets

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
)

func TestOpenMatchesValByName(t *testing.T) {
	dir := datatest.EmptyFiles(t, "train/cat/1.jpg", "train/dog/1.jpg", "train/owl/1.jpg", "val/ant/9.jpg", "val/dog/2.jpg", "val/owl/3.jpg", "val/ant/8.jpg")
	datatest.MakeFolders(t, dir, "val/cat")
	train, val, err := Open(dir, 0.1, 0)
	if err != nil {
		t.Fatal(err)
	}
	classes := []string{"cat", "dog", "owl"}
	if !reflect.DeepEqual(train.Classes, classes) || !reflect.DeepEqual(val.Classes, classes) {
		t.Errorf("classes %q and %q, want %q", train.Classes, val.Classes, classes)
	}
	wantFiles(t, val, dir, "val/dog/2.jpg", "val/owl/3.jpg")
	if got := val.Counts(); !reflect.DeepEqual(got, []int{0, 1, 1}) {
		t.Errorf("counts %v", got)
	}
	want := []data.Problem{
		{Path: filepath.Join(dir, "val/ant"), Reason: "not a class of train: its 2 images are skipped"},
		{Path: filepath.Join(dir, "val/cat"), Reason: "a class folder without an image"},
	}
	if !reflect.DeepEqual(val.Problems, want) {
		t.Errorf("problems %q, want %q", val.Problems, want)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name, want string
		files      []string
		split      float64
	}{
		{"a flat val", "train data imagenet SRC DIR", []string{"train/a/1.jpg", "val/ILSVRC2012_val_00000001.JPEG"}, 0.1},
		{"no class in common", "1 of its folders are not classes of train (\"b\"), 1 classes of train are missing (\"a\")", []string{"train/a/1.jpg", "val/b/1.jpg"}, 0.1},
		{"train alone", "none named \"val\"", []string{"train/a/1.jpg"}, 0},
		{"val alone", "none named \"train\"", []string{"val/a/1.jpg"}, 0.1},
		{"no images", "neither train/CLASS", nil, 0.1},
		{"classes without a split", "--val-split", []string{"a/1.jpg", "b/1.jpg"}, 0},
		{"a split of everything", "--val-split", []string{"a/1.jpg", "b/1.jpg"}, 1},
		{"one image a class", "no class has a second image", []string{"a/1.jpg", "b/1.jpg"}, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, c.files...)
			_, _, err := Open(dir, c.split, 0)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want the folder and %q", err, c.want)
			}
			if flat := c.name == "a flat val"; errors.Is(err, ErrFlatVal) != flat {
				t.Errorf("ErrFlatVal: %v", !flat)
			}
		})
	}
}

func wantFiles(t *testing.T, d *data.Dataset, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range d.Samples {
		rel, err := filepath.Rel(dir, s.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("files\n%q, want\n%q", got, want)
	}
}
