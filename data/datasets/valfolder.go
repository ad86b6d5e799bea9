package datasets

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/shards"
)

// ErrFlatVal is returned, wrapped, when a val folder contains images without class folders.
var ErrFlatVal = errors.New("contains images without class folders: sort them into folders with the names of the classes, which train data imagenet SRC DIR does for ImageNet, or move them elsewhere and hold out training images with --val-split 0.1")

// matchVal renumbers the labels of found, a val split, to follow train. empty names its classes without
// an image.
func matchVal(train, found *data.Dataset, empty []string) (*data.Dataset, error) {
	val, unknown, missing := found.Match(train.Classes)
	counts := found.CountsByName()
	problem := func(name, reason string) {
		val.Problems = append(val.Problems, data.Problem{Path: shards.JoinPath(found.Root, names.Unescape(name)), Reason: reason})
	}
	if found.List != "" {
		return matchedList(train, found, val, unknown, missing)
	}
	for _, name := range unknown {
		problem(name, fmt.Sprintf("not a class of train: its %d images are skipped", counts[name]))
	}
	for _, name := range missing {
		problem(name, "a class of train without a folder in val")
	}
	for _, name := range empty {
		problem(name, "a class folder without an image")
	}
	if val.Len() == 0 {
		return nil, fmt.Errorf("data: %s: none of its images has a class of %s: %d of its folders are not classes of train (%s), %d classes of train are missing (%s)",
			found.Root, train.Root, len(unknown), names.Quote(unknown), len(missing), names.Quote(missing))
	}
	return val, nil
}

// matchedList names the differences of the classes of CSV files.
func matchedList(train, found, val *data.Dataset, unknown, missing []string) (*data.Dataset, error) {
	skipped := "its images are skipped"
	if val.MultiLabel {
		skipped = "the label is left out"
	}
	if len(unknown) > 0 {
		val.Problems = append(val.Problems, data.Problem{Path: found.List, Reason: fmt.Sprintf("labels of validation images that no training image has (%s): %s", names.Quote(unknown), skipped)})
	}
	if len(missing) > 0 {
		val.Problems = append(val.Problems, data.Problem{Path: found.List, Reason: fmt.Sprintf("classes of train without a validation image, which are not measured: %s", names.Quote(missing))})
	}
	if val.Len() == 0 {
		return nil, fmt.Errorf("data: %s: no validation image has a class of the training images: %s and not %s", names.Show(found.List), names.Quote(unknown), names.Quote(train.Classes))
	}
	return val, nil
}

// hasImages reports whether dir itself contains images.
func hasImages(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return data.HasImageExtension(e.Name()) && !e.IsDir() })
}
