package datasets

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/data/internal/datatest"
)

// in returns files of the classes cat and dog in folders: "Train" gives Train/cat/of_Train1.jpg and so on.
func in(folders ...string) (files []string) {
	for _, f := range folders {
		stem := "of_" + strings.ReplaceAll(f, "/", "_")
		for _, class := range []string{"cat", "dog"} {
			files = append(files, filepath.Join(f, class, stem+"1.jpg"), filepath.Join(f, class, stem+"2.jpg"))
		}
	}
	return files
}

func TestOpenRecognizesParts(t *testing.T) {
	for _, c := range []struct {
		name       string
		files      []string
		valSplit   float64
		train, val string // the folder of their images
		noted      string // the path of a problem of train
	}{
		{"train and val", in("train", "val"), 0, "train", "val", ""},
		{"Train and Val", in("Train", "Val"), 0, "Train", "Val", ""},
		{"TRAINING and Validation", in("TRAINING", "Validation"), 0, "TRAINING", "Validation", ""},
		{"train and dev", in("train", "dev"), 0, "train", "dev", ""},
		{"train, valid and test", in("train", "valid", "test"), 0, "train", "valid", "test"},
		{"training_set, dev_set and test_set", in("training_set", "dev_set", "test_set"), 0, "training_set", "dev_set", "test_set"},
		{"Training and Testing", in("Training", "Testing"), 0.5, "Training", "Training", "Testing"},
		{"train alone", in("train"), 0.5, "train", "train", ""},
		{"val wins over a fraction", in("train", "val"), 0.5, "train", "val", ""},
		{"a test part without labels", append(in("train", "val"), "test/1.jpg"), 0, "train", "val", "test"},
		{"a folder beside the parts", append(in("train", "val"), "owl/1.jpg"), 0, "train", "val", "owl"},
		{"an image beside the parts", append(in("train", "val"), "1.jpg"), 0, "train", "val", "1.jpg"},
		{"a service folder beside the parts", append(in("train", "val"), "__MACOSX/train/cat/._1.jpg"), 0, "train", "val", "__MACOSX"},
		{"runs beside the parts", append(in("train", "val"), "runs/1/config.yaml", "runs/1/events.jsonl"), 0, "train", "val", "runs"},
		{"classes without parts", in("."), 0.5, ".", ".", ""},
		{"a service folder beside the classes", append(in("."), "__MACOSX/cat/._1.jpg"), 0.5, ".", ".", "__MACOSX"},
		{"an image beside the classes", append(in("."), "1.jpg"), 0.5, ".", ".", "1.jpg"},
		{"a class named train, the vehicle", append(in("."), "train/1.jpg", "train/2.jpg"), 0.5, ".", ".", ""},
		{"classes with the names of parts within train", append(in("train", "val"), "train/test/1.jpg", "train/train/1.jpg", "val/test/2.jpg", "val/train/2.jpg"), 0, "train", "val", ""},
		{"one common folder in each class, as in tiny-imagenet", []string{"train/cat/images/1.jpg", "train/dog/images/1.jpg", "val/cat/images/2.jpg", "val/dog/images/2.jpg"}, 0, "train", "val", ""},
		{"folders in the classes of parts", []string{"train/cat/a/1.jpg", "train/cat/b/1.jpg", "train/dog/a/1.jpg", "train/dog/b/1.jpg", "val/cat/2.jpg", "val/dog/2.jpg"}, 0, "train", "val", "train"},
		{"a class with folders beside others", append(in("."), "fox/red/1.jpg", "fox/cat/1.jpg"), 0.5, ".", ".", ""},
		{"different folders in the classes", []string{"cat/a/1.jpg", "cat/b/1.jpg", "dog/c/1.jpg", "dog/d/1.jpg"}, 0.5, ".", ".", "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, c.files...)
			train, val, err := Open(dir, c.valSplit, 0)
			if err != nil {
				t.Fatal(err)
			}
			if train.Root != filepath.Join(dir, c.train) || val.Root != filepath.Join(dir, c.val) {
				t.Errorf("train is %s, val is %s; want %s and %s", train.Root, val.Root, c.train, c.val)
			}
			if train.Classes[0] != "cat" || train.Classes[1] != "dog" || train.Len() < 2 || val.Len() < 2 {
				t.Errorf("classes %q, %d and %d images", train.Classes, train.Len(), val.Len())
			}
			var noted string
			for _, p := range train.Problems {
				noted, _ = filepath.Rel(dir, p.Path)
			}
			if noted != c.noted || len(train.Problems) > 1 {
				t.Errorf("problems %v, want %q", train.Problems, c.noted)
			}
		})
	}
}

// TestLayoutErrorsGiveAdviceThatWorks follows the advice of each error.
func TestLayoutErrorsGiveAdviceThatWorks(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  []string          // in the error
		move  map[string]string // from -> to, as the error says
		give  string            // the folder to give, as the error says
		split float64           // after the advice
	}{
		{"Train and train", append(in("Train", "val"), in("train")...), []string{"both Train and train"}, map[string]string{"Train": "../elsewhere"}, ".", 0},
		{"valid and dev", in("train", "valid", "dev"), []string{"dev and valid"}, map[string]string{"dev": "../elsewhere"}, ".", 0},
		{"no val", in("Training"), []string{"Training", "--val-split 0.1", "none named"}, nil, ".", 0.5},
		{"Training and Testing", in("Training", "Testing"), []string{"Testing", "--val-split 0.1"}, nil, ".", 0.5},
		{"Training and Testing, the other advice", in("Training", "Testing"), []string{"rename Testing to val"}, map[string]string{"Testing": "val"}, ".", 0},
		{"only test", in("test"), []string{"no training images", "--val-split 0.1"}, nil, "test", 0.5},
		{"val and test", in("val", "test"), []string{"no training images", "only val"}, nil, "val", 0.5},
		{"test beside classes", append(in("."), "test/1.jpg", "test/2.jpg"), []string{`"test"`, `"cat", "dog"`, "move it elsewhere"}, map[string]string{"test": "../elsewhere"}, ".", 0.5},
		{"a class named test", append(in("."), "test/1.jpg", "test/2.jpg"), []string{"if it is a class, move all class folders into a new folder train"},
			map[string]string{"cat": "train/cat", "dog": "train/dog", "test": "train/test"}, ".", 0.5},
		{"a class named test in the folder of train", append(in("."), "test/1.jpg", "test/2.jpg"), []string{"a new folder train"},
			map[string]string{"cat": "train/cat", "dog": "train/dog", "test": "train/test"}, "train", 0.5},
		{"val beside classes", append(in("val"), in(".")...), []string{`"cat", "dog" beside "val"`, "a new folder train"}, map[string]string{"cat": "train/cat", "dog": "train/dog"}, ".", 0},
		{"a data set one level deeper", in("photos/train", "photos/val"), []string{"one folder, \"photos\""}, nil, "photos", 0},
		{"classes two levels deeper", in("a/b"), []string{"one folder, \"a\""}, nil, "a/b", 0.5},
		{"beside __MACOSX", append(in("photos"), "__MACOSX/photos/cat/._1.jpg"), []string{"one folder"}, nil, "photos", 0.5},
		{"beside annotations", append(in("images/train", "images/val"), "labels/train/cat/1.txt"), []string{"one folder with images, \"images\", which"}, nil, "images", 0},
		{"beside other images", append(in("images/train", "images/val"), "docs/figures/1.jpg"), []string{`"images" holds the parts`}, nil, "images", 0},
		{"train in train", in("train/train", "val"), []string{"train", "up into"}, map[string]string{"train/train": "x", "x/cat": "train/cat", "x/dog": "train/dog"}, ".", 0},
		{"val in val", in("train", "val/val"), []string{"val", "up into"}, map[string]string{"val/val": "x", "x/cat": "val/cat", "x/dog": "val/dog"}, ".", 0},
		{"val one level deeper", in("train", "val/images"), []string{"up into"}, map[string]string{"val/images": "x", "x/cat": "val/cat", "x/dog": "val/dog"}, ".", 0},
		{"the classes again in a folder", in(".", "unseen"), []string{`"unseen"`, `"cat", "dog"`}, map[string]string{"unseen": "../elsewhere"}, ".", 0.5},
		{"the classes again in a folder, as a part", in(".", "unseen"), []string{"the class folders into a folder train"},
			map[string]string{"unseen": "val", "cat": "train/cat", "dog": "train/dog"}, ".", 0},
		{"the parts below the classes", []string{"cat/Train/1.jpg", "cat/Val/2.jpg", "dog/Train/1.jpg", "dog/Val/2.jpg"}, []string{"cat/Train to Train/cat"},
			map[string]string{"cat/Train": "Train/cat", "cat/Val": "Val/cat", "dog/Train": "Train/dog", "dog/Val": "Val/dog"}, ".", 0},
		{"the same names below", in("a", "b"), []string{`"a", "b"`, `"cat", "dog"`}, nil, "a", 0.5},
		{"the same names below, as parts", in("a", "b"), []string{"name two of them train and val"}, map[string]string{"a": "train", "b": "val"}, ".", 0},
		{"seg_train and seg_test", append(in("seg_train", "seg_test"), "seg_pred/seg_pred/1.jpg"), []string{"rename"}, map[string]string{"seg_train": "train", "seg_test": "test", "seg_pred": "../elsewhere"}, ".", 0.5},
		{"a folder of its own name", append(in("a/a"), "b/b/1.jpg"), []string{"its own name"}, nil, "a/a", 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(datatest.EmptyFiles(t, under("data/", c.files)...), "data")
			_, _, err := Open(dir, 0, 0)
			var layout *LayoutError
			if !errors.As(err, &layout) || layout.Root == "" {
				t.Fatalf("error %v, want a LayoutError", err)
			}
			if c.give != "." && c.move == nil {
				c.want = append(c.want, filepath.Join(dir, c.give))
			}
			for _, want := range append(c.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			follow(t, dir, c.move)
			train, val, err := Open(filepath.Join(dir, c.give), c.split, 0)
			if err != nil {
				t.Fatalf("the advice does not work: %v", err)
			}
			if want := []string{"cat", "dog"}; !reflect.DeepEqual(train.Classes[:2], want) || val.Len() < 1 {
				t.Errorf("after the advice: classes %q, %d images to validate", train.Classes, val.Len())
			}
		})
	}
}

// follow moves folders, in the order of their names.
func follow(t *testing.T, dir string, moves map[string]string) {
	t.Helper()
	for len(moves) > 0 {
		done := false
		for from, to := range moves {
			if _, err := os.Stat(filepath.Join(dir, from)); err != nil {
				continue
			}
			to = filepath.Join(dir, to)
			if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(filepath.Join(dir, from), to)); err != nil {
				t.Fatal(err)
			}
			delete(moves, from)
			done = true
		}
		if !done {
			t.Fatalf("cannot move %v", moves)
		}
	}
}

func under(dir string, files []string) (paths []string) {
	for _, f := range files {
		paths = append(paths, dir+f)
	}
	return paths
}

func TestOpenRefusesFoldersWithoutClasses(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		path  string
		want  string
	}{
		{"images alone", []string{"1.jpg"}, ".", "give the folder above"},
		{"a class", in("."), "cat", "give the folder above"},
		{"flat train and test", []string{"train/1.jpg", "test/1.jpg"}, ".", "sort the images into folders"},
		{"an empty val", append(in("train"), "val/readme.txt"), ".", "each class needs a folder with its images in it"},
		{"a file", []string{"photos.zip"}, "photos.zip", "unpack an archive first"},
		{"a run", []string{"config.yaml", "events.jsonl", "checkpoints/1.safetensors"}, ".", "a training run"},
		{"a missing folder", in("train"), "none", "no such file or directory; give a folder of images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, c.files...)
			if _, _, err := Open(filepath.Join(dir, c.path), 0.5, 0); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestOpenNamesDanglingLinks(t *testing.T) {
	for link, want := range map[string]string{"Train": "Train is a dangling link", "owl": ""} {
		dir := datatest.EmptyFiles(t, in("val", "training")...)
		if link == "Train" {
			follow(t, dir, map[string]string{"training": "elsewhere"})
		}
		if err := os.Symlink("nowhere", filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
		train, _, err := Open(dir, 0, 0)
		switch {
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %q", link, err, want)
		case want == "" && (err != nil || len(train.Problems) != 1 || train.Problems[0].Path != filepath.Join(dir, link)):
			t.Errorf("%s: %+v, error %v", link, train, err)
		}
	}
}
