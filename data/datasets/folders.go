package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// openFolders opens class folders for training.
func (s Source) openFolders() (train, val *data.Dataset, split *Split, err error) {
	l, err := findLayout(s.Path)
	if err != nil {
		return nil, nil, nil, err
	}
	if train, err = s.openTrainFolder(l); err != nil {
		return nil, nil, nil, err
	}
	if l.parted() { // otherwise the list of the class folders names what is not used
		train.Problems = append(append(l.unused, l.testNotes()...), train.Problems...)
	}
	if nested := Nested(train); nested != nil {
		train.Problems = append(train.Problems, data.Problem{Path: train.Root,
			Reason: fmt.Sprintf("its class folders (%s) hold only folders, whose images are used as images of the class", names.Quote(nested))})
	}
	switch {
	case l.has(names.Val):
		val, err = s.openValOf(train, l.parts[names.Val])
		return train, val, nil, err
	case l.parted() && s.ValSplit == 0:
		return nil, nil, nil, l.noVal()
	}
	return s.split(train)
}

// openTrainFolder opens the train part or, without parts, all class folders. Every class has an image.
func (s Source) openTrainFolder(l layout) (*data.Dataset, error) {
	if l.parted() && !l.has(names.Train) {
		return nil, l.noTrain()
	}
	d, empty, err := s.list(l, names.Train)
	if err != nil {
		return nil, err
	}
	return d, data.RefuseEmpty(d, empty)
}

// list lists a part or, without parts, all class folders.
func (s Source) list(l layout, part names.Split) (d *data.Dataset, empty []string, err error) {
	dir := l.root
	if l.parted() {
		dir = l.parts[part]
	} else {
		part = names.NoSplit
	}
	d, empty, err = data.ListFolder(dir, s.Cache)
	switch {
	case errors.Is(err, data.ErrNoClasses) && part == names.Val && hasImages(dir):
		return nil, nil, fmt.Errorf("data: %s: %w", names.Show(dir), ErrFlatVal)
	case errors.Is(err, data.ErrNoClasses):
		return nil, nil, noClasses(dir, part)
	case err != nil:
		return nil, nil, err
	}
	return d, empty, checkDepth(d, part)
}

// openValOf opens the val part for training.
func (s Source) openValOf(train *data.Dataset, dir string) (*data.Dataset, error) {
	found, empty, err := s.list(layout{parts: map[names.Split]string{names.Val: dir}}, names.Val)
	if err != nil {
		return nil, err
	}
	val, err := matchVal(train, found, empty)
	if err != nil && len(found.Classes) == 1 && below(found) != nil {
		return nil, cmp.Or(singleFolder(found, names.Val), err)
	}
	return val, err
}

// openValFolder opens class folders for evaluation, see [Source.OpenVal].
func (s Source) openValFolder() (d *data.Dataset, own bool, err error) {
	l, err := findLayout(s.Path)
	if err != nil {
		return nil, false, err
	}
	part := names.NoSplit
	switch {
	case l.has(names.Val):
		part = names.Val
	case s.ValSplit > 0 && l.has(names.Train):
		part = names.Train
	case l.has(names.Test):
		part = names.Test
	case l.parted():
		return nil, false, layoutError(l.root, "it holds training images (%s) and no val or test part; to measure the accuracy on the training images, give %s",
			names.Show(filepath.Base(l.parts[names.Train])), names.Show(l.parts[names.Train]))
	}
	d, empty, err := s.list(l, part)
	if err != nil {
		return nil, false, err
	}
	d.Problems = append(d.Problems, emptyClasses(d, empty)...)
	return d, part == names.Val || part == names.Test, nil
}

// noClasses says what is in a folder without class folders.
func noClasses(dir string, part names.Split) error {
	switch {
	case hasImages(dir) && part == names.NoSplit:
		return fmt.Errorf("data: %s: %w: it holds images, and the class of an image is the name of its folder; give the folder above, if this is a class, or sort the images into folders", names.Show(dir), data.ErrNoClasses)
	case hasImages(dir):
		return fmt.Errorf("data: %s: %w: it holds images, and the class of an image is the name of its folder; sort the images into folders", names.Show(dir), data.ErrNoClasses)
	case part != names.NoSplit:
		return fmt.Errorf("data: %s: %w: each class needs a folder with its images in it; add them, or remove the folder", names.Show(dir), data.ErrNoClasses)
	}
	return fmt.Errorf("data: %s: %w: it contains neither train/CLASS and val/CLASS folders nor CLASS folders nor shards (*.tar); give the folder that does", names.Show(dir), data.ErrNoClasses)
}

// noVal refuses to train without validation images.
func (l layout) noVal() error {
	train := names.Show(filepath.Base(l.parts[names.Train]))
	if l.has(names.Test) && !l.flat[names.Test] {
		return layoutError(l.root, "it has training images (%s) and test images (%s), which training does not use, but none for validation (none named \"val\"): hold out a fraction of the training images with --val-split 0.1, or rename %s to val",
			train, names.Show(filepath.Base(l.parts[names.Test])), names.Show(filepath.Base(l.parts[names.Test])))
	}
	return layoutError(l.root, "it has training images (%s) but none for validation (none named \"val\"): hold out a fraction of them with --val-split 0.1, or add a folder val", train)
}

// noTrain refuses to train without training images.
func (l layout) noTrain() error {
	var only []string
	for _, part := range l.listed() {
		only = append(only, names.Show(filepath.Base(l.parts[part])))
	}
	there := names.Show(l.parts[l.listed()[0]])
	return layoutError(l.root, "it has no training images (none named \"train\"), only %s: add a folder train, or train on the images of %s: give it, and --val-split 0.1 for train and data shard",
		strings.Join(only, " and "), there)
}

// testNotes names the test part, which training does not use.
func (l layout) testNotes() []data.Problem {
	dir, ok := l.parts[names.Test]
	if !ok {
		return nil
	}
	if l.flat[names.Test] {
		return []data.Problem{{Path: dir, Reason: "the test part, without class folders: not used; classify its images with predict " + names.Show(dir) + "/*"}}
	}
	return []data.Problem{{Path: dir, Reason: "the test part: not used in training; measure it with eval --data " + names.Show(dir)}}
}

// emptyClasses names class folders without an image.
func emptyClasses(d *data.Dataset, empty []string) (problems []data.Problem) {
	for _, name := range empty {
		problems = append(problems, data.Problem{Path: filepath.Join(d.Root, names.Unescape(name)), Reason: "a class folder without an image"})
	}
	return problems
}
