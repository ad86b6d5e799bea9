package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
)

// listed writes CSV files, NAME and text by turns, beside empty images.
func listed(t *testing.T, images []string, files ...string) string {
	t.Helper()
	dir := datatest.EmptyFiles(t, images...)
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// labeled lists the samples as NAME=LABEL+LABEL.
func labeled(d *data.Dataset) string {
	if d == nil {
		return "none"
	}
	var list []string
	for _, s := range d.Samples {
		var labels []string
		for class := range d.ClassesOf(s) {
			labels = append(labels, d.Classes[class])
		}
		list = append(list, filepath.Base(s.Path)+"="+strings.Join(labels, "+"))
	}
	return strings.Join(list, " ")
}

var fourImages = []string{"a.jpg", "b.jpg", "c.jpg", "d.jpg"}

// TestOpenLists: files and folders with files, for training and for evaluation.
func TestOpenLists(t *testing.T) {
	for _, c := range []struct {
		name       string
		files      []string
		path       string // in the folder
		split      float64
		train, val string
		measured   string
		own        bool
	}{
		{"a column split", []string{"l.csv", "path,labels,split\na,x|y,train\nb,y,val\nc,x,train\nd,x,test\n"}, "l.csv", 0, "a.jpg=x+y c.jpg=x", "b.jpg=y", "b.jpg=y", true},
		{"train and val files", []string{"train.csv", "path,labels\na,x|y\nb,y\n", "val.csv", "path,labels\nc,y\nd,x|y\n"}, "", 0, "a.jpg=x+y b.jpg=y", "c.jpg=y d.jpg=x+y", "c.jpg=y d.jpg=x+y", true},
		{"names of the parts", []string{"Train_v2.csv", "path,labels\na,x|y\nb,y\n", "valid.tsv", "path\tlabels\nc\ty|x\n"}, "", 0, "a.jpg=x+y b.jpg=y", "c.jpg=x+y", "c.jpg=x+y", true},
		{"labels.csv in a folder", []string{"labels.csv", "path,labels,is_valid\na,x|y,False\nb,y,True\n"}, "", 0, "a.jpg=x+y", "b.jpg=y", "b.jpg=y", true},
		{"one label each", []string{"train.csv", "path,label\na,x\nb,y\n", "val.csv", "path,label\nc,y\nd,x\n"}, "", 0, "a.jpg=x b.jpg=y", "c.jpg=y d.jpg=x", "c.jpg=y d.jpg=x", true},
		{"labels of val that train lacks", []string{"l.csv", "path,labels,split\na,x|y,train\nb,y|z,val\nc,z,val\n"}, "l.csv", 0, "a.jpg=x+y", "b.jpg=y c.jpg=", "b.jpg=y+z c.jpg=z", true},
		{"classes of val that train lacks", []string{"l.csv", "path,label,split\na,x,train\nb,y,train\nc,z,val\nd,y,val\n"}, "l.csv", 0, "a.jpg=x b.jpg=y", "d.jpg=y", "c.jpg=z d.jpg=y", true},
		{"no parts, evaluation", []string{"l.csv", "path,labels\na,x|y\nb,y\nc,x\nd,\n"}, "l.csv", 0.3, "", "", "a.jpg=x+y b.jpg=y c.jpg=x d.jpg=", false},
		{"a test part alone, evaluation", []string{"l.csv", "path,labels,split\na,x|y,train\nb,y,test\n"}, "l.csv", 0, "", "", "b.jpg=y", true},
		{"a folder with train and test, evaluation", []string{"train.csv", "path,labels\na,x|y\n", "test.csv", "path,labels\nb,y|x\n"}, "", 0, "", "", "b.jpg=x+y", true},
		{"labels.csv and val.csv", []string{"labels.csv", "path,labels\na,x|y\nb,y\n", "val.csv", "path,labels\nc,y\nd,x|y\n"}, "", 0, "a.jpg=x+y b.jpg=y", "c.jpg=y d.jpg=x+y", "c.jpg=y d.jpg=x+y", true},
		{"labels.csv and test.csv, evaluation", []string{"labels.csv", "path,labels\na,x|y\nb,y\n", "test.csv", "path,labels\nc,y|x\n"}, "", 0, "", "", "c.jpg=x+y", true},
		{"labels.csv and a test.csv without labels, evaluation", []string{"labels.csv", "path,labels\na,x|y\nb,y\n", "test.csv", "path\nc\n"}, "", 0, "", "", "a.jpg=x+y b.jpg=y", false},
		{"labels.csv with a column split beside test.csv", []string{"labels.csv", "path,labels,split\na,x|y,train\nb,y,val\n", "test.csv", "path,labels\nc,y|x\n"}, "", 0, "a.jpg=x+y", "b.jpg=y", "b.jpg=y", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Source{Path: filepath.Join(listed(t, fourImages, c.files...), c.path), ValSplit: c.split}
			if c.train != "" {
				train, val, split, err := s.OpenSplit(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if labeled(train) != c.train || labeled(val) != c.val || split != nil || !slices.Equal(train.Classes, val.Classes) {
					t.Errorf("train %q, val %q", labeled(train), labeled(val))
				}
				alone, err := s.OpenTrain(t.Context())
				if err != nil || labeled(alone) != c.train {
					t.Errorf("OpenTrain: %q, %v", labeled(alone), err)
				}
			}
			measured, own, err := s.OpenVal(t.Context())
			if err != nil || labeled(measured) != c.measured || own != c.own {
				t.Errorf("OpenVal: %q, %v, %v; want %q, %v", labeled(measured), own, err, c.measured, c.own)
			}
		})
	}
}

// TestListBesideParts: a list that is not used is named.
func TestListBesideParts(t *testing.T) {
	dir := listed(t, fourImages, "labels.csv", "path,labels,split\na,x|y,train\nb,y,val\n", "test.csv", "path,labels\nc,y|x\n")
	train, _, _, err := Source{Path: dir}.OpenSplit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := data.Problem{Path: filepath.Join(dir, "test.csv"), Reason: "not used: labels.csv has a column with the parts"}
	if !slices.Contains(train.Problems, want) {
		t.Errorf("problems %v, want %v", train.Problems, want)
	}
}

// TestListsRefuse: each error says what to do.
func TestListsRefuse(t *testing.T) {
	const two = "path,labels\na,x|y\nb,y\n"
	for _, c := range []struct {
		name  string
		files []string
		path  string
		want  string
	}{
		{"no validation", []string{"l.csv", two}, "l.csv", "--val-split 0.1, add a column split with train and val, or give a folder with train.csv and val.csv"},
		{"no validation in a folder", []string{"train.csv", two}, "", "--val-split 0.1"},
		{"no training", []string{"l.csv", "path,labels,split\na,x|y,val\n"}, "l.csv", "none of its images is for training"},
		{"no label in common", []string{"train.csv", two, "val.csv", "path,labels\nc,z|u\n"}, "", "none of the 1 validation images has a label of a class of train"},
		{"no class in common", []string{"train.csv", "path,label\na,x\nb,y\n", "val.csv", "path,label\nc,z\n"}, "", `no validation image has a class of the training images: "z" and not "x", "y"`},
		{"one label against several", []string{"train.csv", "path,label\na,x\nb,y\n", "val.csv", two}, "", "use --multi-label for both"},
		{"a part with parts", []string{"train.csv", "path,labels,split\na,x|y,train\nb,x,val\n", "val.csv", two}, "", "give the file as the data set, or remove the column"},
		{"two lists of a part", []string{"train.csv", two, "training.csv", two}, "", "give one of them as the data set"},
		{"two lists of training images", []string{"train.csv", two, "labels.csv", two}, "", "give one of them as the data set"},
		{"a missing file", nil, "none.csv", "none.csv"},
	} {
		dir := listed(t, fourImages, c.files...)
		_, _, _, err := Source{Path: filepath.Join(dir, c.path)}.OpenSplit(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestListsBesideClassFolders: class folders are the data set, whatever lies beside them; folders of images without classes
// are those of the list.
func TestListsBesideClassFolders(t *testing.T) {
	const text = "path,labels\ntrain/a,x|y\ntrain/b,y\n"
	for _, c := range []struct {
		name   string
		images []string
		list   bool
	}{
		{"class folders", []string{"cat/a.jpg", "dog/b.jpg"}, false},
		{"parts with class folders", []string{"train/cat/a.jpg", "train/dog/b.jpg", "val/cat/c.jpg"}, false},
		{"flat parts", []string{"train/a.jpg", "train/b.jpg", "test/c.jpg"}, true},
		{"one folder of images", []string{"train/a.jpg", "train/b.jpg", "images/c.jpg"}, true},
	} {
		dir := listed(t, c.images, "train.csv", text)
		d, err := Source{Path: dir}.OpenTrain(t.Context())
		if err != nil || (d.List != "") != c.list {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
	}
}

// TestMultiLabelOfFolders: the class of each image becomes its label, and the split is found again.
func TestMultiLabelOfFolders(t *testing.T) {
	var images []string
	for i := range 20 {
		images = append(images, fmt.Sprintf("%s/%02d.jpg", []string{"x", "y"}[i%2], i))
	}
	s := Source{Path: datatest.EmptyFiles(t, images...), ValSplit: 0.3, MultiLabel: true}
	train, val, split, err := s.OpenSplit(t.Context())
	if err != nil || !train.MultiLabel || !val.MultiLabel || train.Len()+val.Len() != 20 {
		t.Fatalf("%v, %v: %v", train, val, err)
	}
	all, _, err := s.OpenVal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, again := split.divide(all); labeled(again) != labeled(val) {
		t.Errorf("the split holds out %q, and then %q", labeled(val), labeled(again))
	}
}

// TestMultiLabelSplitKeepsClasses: each class with two or more images has one in train and, unless images of it share rare
// classes, one in val; images that are added move no other image.
func TestMultiLabelSplitKeepsClasses(t *testing.T) {
	for seed := range uint64(30) {
		d := &data.Dataset{Root: "dir", Classes: []string{"often", "some", "two", "one"}, MultiLabel: true}
		add := func(name string, labels ...int32) {
			d.Samples = append(d.Samples, data.Sample{Path: "dir/" + name, Labels: labels})
		}
		for i := range 60 {
			switch {
			case i%10 == 3:
				add(fmt.Sprintf("%d.jpg", i), 0, 1)
			case i%20 == 4:
				add(fmt.Sprintf("%d.jpg", i))
			default:
				add(fmt.Sprintf("%d.jpg", i), 0)
			}
		}
		add("first.jpg", 2)
		add("second.jpg", 0, 2)
		add("third.jpg", 0, 3)
		split := newSplit(d, 0.2, seed)
		train, val := split.divide(d)
		if counts := train.Counts(); slices.Min(counts) < 1 {
			t.Errorf("seed %d: train has %v", seed, counts)
		}
		if counts := val.Counts(); slices.Min(counts[:3]) < 1 || counts[3] != 0 {
			t.Errorf("seed %d: val has %v", seed, counts)
		}
		before := labeled(val)
		add("new.jpg", 0)
		if again := newSplit(d, 0.2, seed); !reflect.DeepEqual(again.Thresholds, split.Thresholds) {
			continue
		} else if _, val := again.divide(d); strings.TrimSuffix(labeled(val), " new.jpg=often") != before {
			t.Errorf("seed %d: an image more changes val from %q to %q", seed, before, labeled(val))
		}
	}
}

// TestPartsOfLists: a test part that cannot be read, as one without labels, or that is not used is a problem of the part that comes first.
func TestPartsOfLists(t *testing.T) {
	const two, split = "path,labels\na,x|y\nb,y\n", "path,labels,split\na,x|y,%s\nb,y,%[1]s\n"
	for _, c := range []struct {
		name  string
		files []string
		want  string // name of the first part
	}{
		{"train.csv", []string{"train.csv", two}, "train"},
		{"labels.csv", []string{"labels.csv", two}, "all"},
		{"labels.csv of train", []string{"labels.csv", fmt.Sprintf(split, "train")}, "train"},
		{"labels.csv of val", []string{"labels.csv", fmt.Sprintf(split, "val")}, "val"},
		{"labels.csv of test", []string{"labels.csv", fmt.Sprintf(split, "test")}, "test"},
	} {
		dir := listed(t, fourImages, append(c.files, "test.csv", "path\nc\n")...)
		parts, err := Source{Path: dir}.Parts(t.Context())
		if err != nil || len(parts) != 1 || parts[0].Name != c.want {
			t.Errorf("%s: %+v, %v", c.name, parts, err)
			continue
		}
		problems, want := parts[0].Set.Problems, "the test part: not checked"
		if strings.Contains(c.files[1], "split") {
			want = "not used: labels.csv has a column with the parts"
		}
		if len(problems) != 1 || !strings.Contains(problems[0].Reason, want) {
			t.Errorf("%s: problems %v", c.name, problems)
		}
	}
}
