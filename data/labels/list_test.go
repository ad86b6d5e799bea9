package labels

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// folderOf writes a file and empty images into a new folder.
func folderOf(t *testing.T, file, text string, images ...string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range images {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path = filepath.Join(dir, file)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// describe writes the samples as NAME=LABEL+LABEL.
func describe(t *testing.T, d *data.Dataset) string {
	t.Helper()
	var list []string
	for _, s := range d.Samples {
		var labels []string
		for class := range d.ClassesOf(s) {
			labels = append(labels, d.Classes[class])
		}
		name, err := filepath.Rel(d.Root, s.Path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name+"="+strings.Join(labels, "+"))
	}
	return strings.Join(list, " ")
}

// TestForms: the forms in which other tools and data sets write labels.
func TestForms(t *testing.T) {
	abc := []string{"a.jpg", "b.jpg", "c.jpg"}
	for _, c := range []struct {
		name, text string
		options    Options
		images     []string
		multi      bool
		classes    string
		want       string
	}{
		{"one label each", "path,label\na.jpg,cat\nb.jpg,dog\n", Options{}, abc, false, "cat dog", "a.jpg=cat b.jpg=dog"},
		{"one label each, asked for multi-label", "path,label\na.jpg,cat\nb.jpg,dog\n", Options{MultiLabel: true}, abc, true, "cat dog", "a.jpg=cat b.jpg=dog"},
		{"bars", "path,labels\na.jpg,cat|dog\nb.jpg,dog\nc.jpg,\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog c.jpg="},
		{"bars and spaces around", "path,labels\na.jpg, dog | polar bear |\nb.jpg,dog\n", Options{}, abc, true, "dog|polar bear", "a.jpg=dog+polar bear b.jpg=dog"},
		{"semicolons", "filename,tags\na.jpg,dog;cat\nb.jpg,dog\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"quoted commas", "filename,tags\na.jpg,\"dog,cat\"\nb.jpg,dog\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"Kaggle's Planet: spaces, no extension", "image_name,tags\na,haze primary\nb,clear primary\nc,clear haze\n", Options{}, abc, true, "clear haze primary", "a.jpg=haze+primary b.jpg=clear+primary c.jpg=clear+haze"},
		{"fastai's Pascal VOC", "fname,labels,is_valid\na.jpg,chair,True\nb.jpg,car person,False\nc.jpg,person car,True\nd.jpg,car chair,True\ne.jpg,person,False\n", Options{}, append(abc, "d.jpg", "e.jpg"), true, "car chair person", "a.jpg=chair b.jpg=car+person c.jpg=car+person d.jpg=car+chair e.jpg=person"},
		{"one hot", "filename,dog,cat\na.jpg,1,0\nb.jpg,1,1\nc.jpg,0,0\n", Options{}, abc, true, "dog cat", "a.jpg=dog b.jpg=dog+cat c.jpg="},
		{"one hot, one class each", "id,dog,cat\na,1.0,0.0\nb,False,True\n", Options{}, abc, false, "dog cat", "a.jpg=dog b.jpg=cat"},
		{"one hot with pandas' index", ",id,dog,cat\n0,a,1,1\n1,b,0,1\n", Options{}, abc, true, "dog cat", "a.jpg=dog+cat b.jpg=cat"},
		{"binary", "path,defect\na.jpg,1\nb.jpg,0\n", Options{MultiLabel: true}, abc, true, "defect", "a.jpg=defect b.jpg="},
		{"Python lists", "filename,labels\na.jpg,\"['cat', 'dog']\"\nb.jpg,['dog']\nc.jpg,[]\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog c.jpg="},
		{"JSON lists", "filename,labels\na.jpg,\"[\"\"cat\"\", \"\"hot dog\"\"]\"\nb.jpg,\"[\"\"cat\"\"]\"\n", Options{}, abc, true, "cat|hot dog", "a.jpg=cat+hot dog b.jpg=cat"},
		{"tabs", "path\tlabels\na.jpg\tcat,dog\nb.jpg\tcat\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=cat"},
		{"a spreadsheet's semicolons between fields", "path;labels\na.jpg;cat,dog\nb.jpg;cat\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=cat"},
		{"byte order mark and CRLF", "\ufeffpath,labels\r\na.jpg,cat|dog\r\nb.jpg,dog\r\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"names of columns in any case", "Image ID,LABELS\na.jpg,cat|dog\nb.jpg,dog\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"further columns", "path,width,labels\na.jpg,640,cat|dog\nb.jpg,480,dog\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"empty rows of a spreadsheet", "path,labels\na.jpg,cat|dog\n,\n\nb.jpg,dog\n", Options{}, abc, true, "cat dog", "a.jpg=cat+dog b.jpg=dog"},
		{"names with spaces, told so", "path,label\na.jpg,polar bear\nb.jpg,brown bear\n", Options{Delimiter: "none"}, abc, false, "brown bear|polar bear", "a.jpg=polar bear b.jpg=brown bear"},
		{"labels with spaces, told so", "path,label\na.jpg,polar bear\nb.jpg,dog\n", Options{Delimiter: "space"}, abc, true, "bear dog polar", "a.jpg=bear+polar b.jpg=dog"},
		{"names with commas, told so", "path,label\na.jpg,\"tench, Tinca tinca\"\nb.jpg,goldfish\n", Options{Delimiter: "none"}, abc, false, "goldfish|tench, Tinca tinca", "a.jpg=tench, Tinca tinca b.jpg=goldfish"},
		{"forms of a name", "path,labels\na.jpg,caf\u00e9|x\nb.jpg,cafe\u0301\n", Options{}, abc, true, "caf\u00e9|x", "a.jpg=caf\u00e9+x b.jpg=caf\u00e9"},
		{"folders, backslashes", "path,labels\ntrain/a.jpg,x|y\ntrain\\b.jpg,x\n", Options{}, []string{"train/a.jpg", "train/b.jpg"}, true, "x y", "train/a.jpg=x+y train/b.jpg=x"},
		{"a folder of images", "path,labels\na.jpg,x|y\nb,x\n", Options{Images: "images"}, []string{"images/a.jpg", "images/b.png"}, true, "x y", "a.jpg=x+y b.png=x"},
		{"a folder above", "path,labels\n../DIR/a.jpg,x|y\nb.jpg,x\n", Options{}, abc, true, "x y", "a.jpg=x+y b.jpg=x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := folderOf(t, "labels.csv", c.text, c.images...)
			if c.options.Images != "" {
				c.options.Images = filepath.Join(filepath.Dir(path), c.options.Images)
			}
			if strings.Contains(c.text, "DIR") {
				text := strings.ReplaceAll(c.text, "DIR", filepath.Base(filepath.Dir(path)))
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			l, err := Open(path, c.options)
			if err != nil {
				t.Fatal(err)
			}
			separator := " "
			if strings.Contains(c.classes, "|") {
				separator = "|"
			}
			if got := strings.Join(l.Set.Classes, separator); got != c.classes || l.Set.MultiLabel != c.multi {
				t.Errorf("classes %q, multi-label %v, want %q, %v", got, l.Set.MultiLabel, c.classes, c.multi)
			}
			if got := describe(t, l.Set); got != c.want {
				t.Errorf("samples\n%s, want\n%s", got, c.want)
			}
		})
	}
}

// TestParts: columns that say to which part an image belongs.
func TestParts(t *testing.T) {
	images := []string{"a.jpg", "b.jpg", "c.jpg", "d.jpg"}
	for _, c := range []struct {
		name, text       string
		train, val, test string
		hasParts         bool
	}{
		{"split", "path,labels,split\na.jpg,x|y,train\nb.jpg,x,Validation\nc.jpg,y,TEST\nd.jpg,z,training\n", "a.jpg=x+y d.jpg=z", "b.jpg=x", "c.jpg=y", true},
		{"is_valid", "path,labels,is_valid\na.jpg,x|y,False\nb.jpg,x,True\nc.jpg,y,0\nd.jpg,z,1\n", "a.jpg=x+y c.jpg=y", "b.jpg=x d.jpg=z", "", true},
		{"one hot", "path,subset,x,y\na.jpg,train,1,1\nb.jpg,val,1,0\nc.jpg,train,0,0\nd.jpg,val,0,1\n", "a.jpg=x+y c.jpg=", "b.jpg=x d.jpg=y", "", true},
		{"none", "path,labels\na.jpg,x|y\nb.jpg,x\nc.jpg,y\nd.jpg,z\n", "a.jpg=x+y b.jpg=x c.jpg=y d.jpg=z", "", "", false},
	} {
		l, err := Open(folderOf(t, "labels.csv", c.text, images...), Options{})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for part, want := range map[names.Split]string{names.Train: c.train, names.Val: c.val, names.Test: c.test} {
			if got := describe(t, l.Part(part)); got != want {
				t.Errorf("%s: %s holds %q, want %q", c.name, part, got, want)
			}
		}
		if l.HasParts != c.hasParts {
			t.Errorf("%s: has parts: %v", c.name, l.HasParts)
		}
	}
}

// TestRefuses: each error names the file, where it can the line, and what to do.
func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    Options
		want       []string
	}{
		{"an empty file", "", Options{}, []string{"the file is empty", "path,labels"}},
		{"no rows", "path,labels\n", Options{}, []string{"no row after the header"}},
		{"no header", "a.jpg,cat\nb.jpg,dog\n", Options{}, []string{"line 1", `"a.jpg" is an image`, "add a header"}},
		{"no column of images", "foo,labels\nx,cat\n", Options{}, []string{"line 1", `"foo", "labels"`, "name one path"}},
		{"no column of labels", "path\na.jpg\n", Options{}, []string{"line 1", "name one labels"}},
		{"two columns of a name", "path,labels,labels\na.jpg,x,y\n", Options{}, []string{"line 1", `two columns have the name "labels"`}},
		{"unquoted commas", "path,labels\na.jpg,cat,dog\n", Options{}, []string{"line 2", "3 fields, and the header has 2", "quotes"}},
		{"a field too few", "path,labels\na.jpg,x|y\nb.jpg\n", Options{}, []string{"line 3", "1 fields"}},
		{"an open quote", "path,labels\na.jpg,\"cat\nb.jpg,dog\n", Options{}, []string{"line 2", "quotes"}},
		{"a quote in a field", "path,labels\na.jpg,ca\"t\n", Options{}, []string{"line 2", "doubled"}},
		{"no label", "path,labels\na.jpg,cat\nb.jpg,\n", Options{}, []string{"line 3", "no label", "--multi-label"}},
		{"no label at all", "path,labels\na.jpg,\nb.jpg,\n", Options{MultiLabel: true}, []string{"no image has a label"}},
		{"an image twice", "path,labels\na.jpg,cat\nb.jpg,cat\na.jpg,dog\n", Options{}, []string{"line 4", "a.jpg is in line 2 too", "all its labels"}},
		{"an image twice, by two paths", "path,labels\na.jpg,cat\n./a.jpg,dog\n", Options{}, []string{"line 3", "line 2 too"}},
		{"a label twice", "path,labels\na.jpg,cat|cat\n", Options{}, []string{"line 2", `"cat" is written twice`}},
		{"labels that differ in case", "path,labels\na.jpg,cat|x\nb.jpg,Cat\n", Options{}, []string{"line 3", `"Cat" differs from "cat" in line 2 in case only`}},
		{"a space with two meanings", "path,label\na.jpg,polar bear\nb.jpg,dog\n", Options{}, []string{"line 2", `"polar bear" may be one label or 2`, "--label-delimiter none"}},
		{"no path", "path,labels\n,cat\n", Options{}, []string{"line 2", "path is empty"}},
		{"a missing image", "path,labels\na.jpg,cat\nx.jpg,dog\ny.jpg,dog\n", Options{}, []string{"2 of 3 images do not exist", "x.jpg in line 3", "y.jpg in line 4", "--images DIR"}},
		{"another case", "path,labels\nA.JPG,cat\nb.jpg,dog\n", Options{}, []string{"there is a.jpg: correct the case"}},
		{"images in a folder", "path,labels\nin.jpg,cat\n", Options{}, []string{"they are in ", "add --images ", "pictures"}},
		{"an address", "path,labels\nhttps://example.org/a.jpg,cat\n", Options{}, []string{"addresses are not read"}},
		{"a folder in place of an image", "path,labels\npictures,cat\n", Options{}, []string{"1 of 1 images do not exist"}},
		{"an unknown part", "path,labels,split\na.jpg,x|y,fold1\n", Options{}, []string{"line 2", `split is "fold1"`, "train, val or test"}},
		{"no part", "path,labels,split\na.jpg,x|y,\n", Options{}, []string{"line 2", `split is ""`}},
		{"is_valid of another value", "path,labels,is_valid\na.jpg,x|y,maybe\n", Options{}, []string{"line 2", "True or False"}},
		{"one hot of another value", "path,cat,dog\na.jpg,1,2\n", Options{}, []string{"line 2", `column "dog" is "2"`, "0 or 1"}},
		{"labels in a column of another name", "id,breed\na.jpg,boxer\nb.jpg,pug\n", Options{}, []string{"line 2", `column "breed" is "boxer"`, `rename it to "labels"`}},
		{"one hot with a further column", "path,width,cat\na.jpg,640,1\n", Options{}, []string{"line 2", `column "width" is "640"`, "remove the column"}},
		{"UTF-16", "\xff\xfep\x00a\x00", Options{}, []string{"UTF-16", "save it as CSV in UTF-8"}},
		{"Latin-1", "path,labels\na.jpg,caf\xe9\n", Options{}, []string{"line 2 is not UTF-8 (byte 0xe9)"}},
		{"a workbook", "PK\x03\x04\x14\x00", Options{}, []string{"workbook", "save it as CSV"}},
		{"compressed", "\x1f\x8b\x08", Options{}, []string{"gzip"}},
		{"a zero byte", "path,labels\na.jpg,c\x00t\n", Options{}, []string{"line 2 holds a zero byte"}},
		{"lines that end in CR", "path,labels\ra.jpg,cat\r", Options{}, []string{`\r alone`}},
		{"a control character", "path,labels\na.jpg,\"c\x1bt|x\"\n", Options{}, []string{"line 2", "control character"}},
		{"a control character in a class of a column", "path,cat,\"big\ndog\"\na.jpg,1,1\n", Options{}, []string{"line 1", `"big\ndog"`, "control character"}},
		{"an unknown delimiter", "path,labels\na.jpg,cat\n", Options{Delimiter: "/"}, []string{"label_delimiter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := folderOf(t, "labels.csv", c.text, "a.jpg", "b.jpg", "pictures/in.jpg")
			_, err := Open(path, c.options)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(c.want, map[bool]string{true: "labels.csv"}[c.options.Delimiter == ""]) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
	path := folderOf(t, "labels.csv", "", "a.jpg")
	text := "path,labels\na.jpg,cat\n" + filepath.Dir(path) + "/x/../a.jpg,dog\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "line 2 too") {
		t.Errorf("an image twice, by an absolute path: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.csv"), Options{}); err == nil || !strings.Contains(err.Error(), "none.csv") {
		t.Errorf("a missing file: %v", err)
	}
}

// TestAdviceOfMissingImages: the folder that the error names holds the images.
func TestAdviceOfMissingImages(t *testing.T) {
	path := folderOf(t, "labels.csv", "path,labels\nin,cat|x\n", "pictures/in.jpg")
	_, err := Open(path, Options{})
	if err == nil {
		t.Fatal("no error")
	}
	_, dir, _ := strings.Cut(err.Error(), "--images ")
	if _, err := Open(path, Options{Images: dir}); err != nil {
		t.Errorf("--images %s: %v", dir, err)
	}
}

// TestNotes: what is not used, and a judgment about spaces, are said.
func TestNotes(t *testing.T) {
	path := folderOf(t, "labels.csv", "path,width,labels\na,1,x y\nb,2,y z\nc,3,x z\n", "a.jpg", "b.jpg", "c.jpg")
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, p := range l.Set.Problems {
		reasons = append(reasons, p.Reason)
	}
	text := strings.Join(reasons, "\n")
	for _, want := range []string{`columns that are not used: "width"`, "spaces separate labels: 3 classes", "--label-delimiter none"} {
		if !strings.Contains(text, want) {
			t.Errorf("notes %q lack %q", reasons, want)
		}
	}
}

// TestClassesWithoutImages: a column for each class without any image is named, and is no class.
func TestClassesWithoutImages(t *testing.T) {
	l, err := Open(folderOf(t, "labels.csv", "path,x,none,y\na,1,0,1\nb,1,0,0\n", "a.jpg", "b.jpg"), Options{})
	if err != nil || !slices.Equal(l.Set.Classes, []string{"x", "y"}) || len(l.Set.Problems) != 1 || !strings.Contains(l.Set.Problems[0].Reason, `"none"`) {
		t.Errorf("%+v, %v", l, err)
	}
}

// FuzzParse: any file is read or refused, and its samples have classes that exist.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"path,labels\na.jpg,cat|dog\nb.jpg,\n", "path,x,y\na.jpg,1,0\n", "path;labels\na.jpg;['x', \"y\"]\n", "\ufeffid,tags,is_valid\r\na,x y,True\r\n",
		"path,labels,split\na.jpg,x y,val\nb.jpg,y x z,train\n", "path,labels\n\"a\n", "path\tlabel\n\t\n"} {
		f.Add([]byte(text), false, byte(0))
	}
	dir := f.TempDir()
	for _, name := range []string{"a.jpg", "b.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, multi bool, delimiter byte) {
		table, err := parseTable(filepath.Join(dir, "labels.csv"), text)
		if err != nil {
			return
		}
		l, err := table.list(Options{MultiLabel: multi, Delimiter: Delimiters[int(delimiter)%len(Delimiters)]})
		if err != nil {
			return
		}
		parts := 0
		for _, part := range names.Splits {
			parts += l.Part(part).Len()
		}
		if parts != l.Set.Len() || len(l.Set.Classes) == 0 {
			t.Fatalf("%d images in parts, %d in all, %d classes", parts, l.Set.Len(), len(l.Set.Classes))
		}
		for _, s := range l.Set.Samples {
			if !slices.IsSorted(s.Labels) {
				t.Fatalf("labels %v", s.Labels)
			}
			for class := range l.Set.ClassesOf(s) {
				if class < 0 || class >= len(l.Set.Classes) {
					t.Fatalf("class %d of %d", class, len(l.Set.Classes))
				}
			}
		}
	})
}
