package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/labels"
)

// lists are the CSV files of a data set. A file of its own, or labels.csv in a folder, is that of NoSplit.
type lists map[names.Split]string

// findLists returns the CSV files of a path: the path itself, or those in a folder that has no class folders.
func (s Source) findLists() (found lists, ok bool, err error) {
	if labels.IsList(s.Path) {
		return lists{names.NoSplit: s.Path}, true, nil
	}
	if found, err = listsIn(s.Path); err != nil {
		return nil, false, err
	}
	if found == nil && s.Images != "" {
		return nil, false, fmt.Errorf("data: %s: --images is the folder of the images that a CSV file lists, and this is none; leave it out, or give the CSV file", names.Show(s.Path))
	}
	return s.labelsAsTrain(found), found != nil, nil
}

// labelsAsTrain makes labels.csv the list of the training images where other files beside it list those of val or test, unless it has a
// column with the parts, or the only other file is a test.csv that cannot be read: those of competitions have no labels.
func (s Source) labelsAsTrain(found lists) lists {
	if found[names.NoSplit] == "" || len(found) == 1 {
		return found
	}
	if l, err := s.open(found[names.NoSplit]); err != nil || l.HasParts {
		return found // the error is that of the list itself
	}
	if found[names.Val] == "" {
		if _, err := s.open(found[names.Test]); err != nil {
			return found
		}
	}
	parts := maps.Clone(found)
	parts[names.Train] = found[names.NoSplit]
	delete(parts, names.NoSplit)
	return parts
}

// listsIn returns the CSV files of a folder, nil if it has none that make it a data set: class folders take precedence.
func listsIn(dir string) (lists, error) {
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() { // an address, a pattern, or reported when it is opened
		return nil, nil
	}
	entries, err := sys.ReadDir(dir)
	if err != nil {
		return nil, nil // likewise
	}
	found := lists{}
	for _, e := range entries {
		stem := strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))
		part := names.SplitOfFolder(stem)
		if e.IsDir() || !labels.IsList(e.Name()) || part == names.NoSplit && !strings.EqualFold(stem, "labels") {
			continue
		}
		if other, again := found[part]; again {
			return nil, fmt.Errorf("data: %s: both %s and %s may list the images; give one of them as the data set", names.Show(dir), names.Show(filepath.Base(other)), names.Show(e.Name()))
		}
		found[part] = filepath.Join(dir, e.Name())
	}
	if found[names.Train] == "" && found[names.NoSplit] == "" || hasClassFolders(dir, entries) {
		return nil, nil
	}
	if found[names.Train] != "" && found[names.NoSplit] != "" {
		return nil, fmt.Errorf("data: %s: both %s and %s may list the training images; give one of them as the data set", names.Show(dir),
			names.Show(filepath.Base(found[names.Train])), names.Show(filepath.Base(found[names.NoSplit])))
	}
	return found, nil
}

// hasClassFolders reports whether folders beside CSV files are classes: two or more that hold images and are not named as a
// part, or a part that holds folders.
func hasClassFolders(dir string, entries []fs.DirEntry) bool {
	classes := 0
	for _, e := range entries {
		f := folder{name: e.Name(), part: names.SplitOfFolder(e.Name())}
		if !e.IsDir() || names.ServiceFolder(e.Name()) != "" || f.look(dir) != nil {
			continue
		}
		switch {
		case f.part != names.NoSplit && f.folders:
			return true
		case f.part == names.NoSplit && f.images:
			classes++
		}
	}
	return classes > 1
}

// open reads a file.
func (s Source) open(path string) (*labels.List, error) {
	return labels.Open(path, labels.Options{Images: s.Images, Delimiter: s.LabelDelimiter, MultiLabel: s.MultiLabel})
}

// openParts reads the files that the parts need and returns their images. Without parts all images are those of NoSplit.
func (s Source) openParts(found lists, parts ...names.Split) (map[names.Split]*data.Dataset, error) {
	sets := map[names.Split]*data.Dataset{}
	if path := found[names.NoSplit]; path != "" {
		l, err := s.open(path)
		if err != nil {
			return nil, err
		}
		if !l.HasParts {
			sets[names.NoSplit] = l.Set
			return sets, nil
		}
		for _, part := range names.Splits {
			if len(l.Parts[part]) > 0 {
				sets[part] = l.Part(part)
			}
		}
		first := names.Splits[slices.IndexFunc(names.Splits, func(part names.Split) bool { return sets[part] != nil })]
		sets[first].Problems = l.Set.Problems
		for _, part := range names.Splits {
			if other := found[part]; other != "" {
				sets[first].Problems = append(sets[first].Problems, data.Problem{Path: other, Reason: "not used: " + filepath.Base(path) + " has a column with the parts"})
			}
		}
		return sets, nil
	}
	for _, part := range parts {
		if found[part] == "" {
			continue
		}
		l, err := s.open(found[part])
		if err != nil {
			return nil, err
		}
		if l.HasParts {
			return nil, fmt.Errorf("data: %s: it has a column that says which part an image belongs to, and is itself one of the parts (%s); give the file as the data set, or remove the column",
				names.Show(found[part]), part)
		}
		sets[part] = l.Set
	}
	return sets, s.sameTask(sets)
}

// sameTask refuses parts of which one alone has images with several labels.
func (s Source) sameTask(sets map[names.Split]*data.Dataset) error {
	var single, multi *data.Dataset
	for _, part := range names.Splits {
		switch set := sets[part]; {
		case set == nil:
		case set.MultiLabel:
			multi = set
		default:
			single = set
		}
	}
	if single == nil || multi == nil {
		return nil
	}
	return fmt.Errorf("data: each image of %s has one label, and images of %s have several; use --multi-label for both", names.Show(single.List), names.Show(multi.List))
}

// openLists opens CSV files for training.
func (s Source) openLists(found lists) (train, val *data.Dataset, split *Split, err error) {
	sets, err := s.openParts(found, names.Train, names.Val)
	if err != nil {
		return nil, nil, nil, err
	}
	train, err = trainOf(sets)
	if err != nil {
		return nil, nil, nil, err
	}
	switch {
	case sets[names.Val] != nil:
		val, err = matchVal(train, sets[names.Val], nil)
	case s.ValSplit == 0:
		err = noValRows(train)
	default:
		train, val, split, err = s.split(train)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	if val.MultiLabel && !slices.ContainsFunc(val.Samples, func(s data.Sample) bool { return len(s.Labels) > 0 }) {
		return nil, nil, nil, fmt.Errorf("data: %s: none of the %d validation images has a label of a class of train, so there is nothing to measure", names.Show(val.List), val.Len())
	}
	return train, val, split, nil
}

// trainOf returns the training images.
func trainOf(sets map[names.Split]*data.Dataset) (*data.Dataset, error) {
	for _, part := range []names.Split{names.Train, names.NoSplit} {
		if d := sets[part]; d != nil {
			return d, nil
		}
	}
	for _, part := range names.Splits {
		d := sets[part]
		if d == nil {
			continue
		}
		return nil, fmt.Errorf("data: %s: none of its images is for training; write train in the column split of those that are", names.Show(d.List))
	}
	return nil, errors.New("data: no list of images")
}

func noValRows(train *data.Dataset) error {
	return fmt.Errorf("data: %s: it lists no images for validation; hold out a fraction with --val-split 0.1, add a column split with train and val, or give a folder with train.csv and val.csv", names.Show(train.List))
}

// openTrainList opens the training images alone.
func (s Source) openTrainList(found lists) (*data.Dataset, error) {
	sets, err := s.openParts(found, names.Train)
	if err != nil {
		return nil, err
	}
	return trainOf(sets)
}

// openValList opens images for evaluation, see [Source.OpenVal].
func (s Source) openValList(found lists) (d *data.Dataset, own bool, err error) {
	parts := []names.Split{names.Val, names.Test}
	if s.ValSplit > 0 {
		parts = []names.Split{names.Val, names.Train}
	}
	if found[names.NoSplit] == "" {
		parts = slices.DeleteFunc(parts, func(part names.Split) bool { return found[part] == "" })
		if parts == nil {
			parts = []names.Split{names.Train}
		} else {
			parts = parts[:1]
		}
	}
	sets, err := s.openParts(found, parts...)
	if err != nil {
		return nil, false, err
	}
	for _, part := range append(parts, names.NoSplit) {
		if d := sets[part]; d != nil {
			return d, part == names.Val || part == names.Test, nil
		}
	}
	return nil, false, fmt.Errorf("data: %s: it lists training images and none for validation or test; to measure the accuracy on the training images, list them without the column split", names.Show(found[names.NoSplit]))
}

// listParts lists the parts of CSV files, see [Source.Parts].
func (s Source) listParts(found lists) ([]Part, error) {
	sets, err := s.openParts(found, names.Train, names.Val)
	if err != nil {
		return nil, err
	}
	byColumn := found[names.NoSplit] != "" && sets[names.NoSplit] == nil // which has named the files that are not used
	if found[names.Test] != "" && !byColumn {                            // often without labels
		test, err := s.openParts(lists{names.Test: found[names.Test]}, names.Test)
		if err != nil {
			first := cmp.Or(sets[names.Train], sets[names.NoSplit], sets[names.Val], sets[names.Test])
			first.Problems = append(first.Problems, data.Problem{Path: found[names.Test], Reason: "the test part: not checked: " + err.Error()})
		} else {
			sets[names.Test] = test[names.Test]
		}
	}
	if all := sets[names.NoSplit]; all != nil {
		return []Part{{Name: "all", Set: all}}, nil
	}
	var parts []Part
	for _, part := range names.Splits {
		if sets[part] != nil {
			parts = append(parts, Part{Name: string(part), Set: sets[part]})
		}
	}
	if len(parts) == 1 && len(found) == 1 && found[names.Train] != "" {
		parts[0].Name = "all"
	}
	return parts, nil
}

// labeled makes the one class of each image of folders or shards its label.
func (Source) labeled(d *data.Dataset) {
	if d == nil || d.MultiLabel {
		return
	}
	d.MultiLabel = true
	for i := range d.Samples {
		d.Samples[i].Labels = []int32{int32(d.Samples[i].Class)}
		d.Samples[i].Class = 0
	}
}
