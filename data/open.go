package data

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// ErrFlatVal is returned, wrapped, when a val folder holds images without class folders.
var ErrFlatVal = errors.New("images lie in it without class folders, as ImageNet comes; lay it out with: train data imagenet SRC DIR")

// Open opens a data set for training: dir/train/CLASS/* and dir/val/CLASS/* where those
// two exist, else dir/CLASS/*, of which the share valSplit becomes val. Val's labels
// follow train's classes, matched by name; differences between the two are named in
// val.Problems. Errors: a missing or empty folder, no class in common, [ErrFlatVal].
func Open(dir string, valSplit float64, seed uint64) (train, val *Dataset, err error) {
	trainDir, valDir := filepath.Join(dir, "train"), filepath.Join(dir, "val")
	hasTrain, hasVal := isDir(trainDir), isDir(valDir)
	switch {
	case hasTrain && hasVal:
		return openSplits(trainDir, valDir)
	case hasTrain || hasVal:
		there, missing := "train", "val"
		if hasVal {
			there, missing = missing, there
		}
		return nil, nil, fmt.Errorf("data: %s has a folder %q but none named %q; add it, or give one folder of classes as --data and --val-split 0.1", dir, there, missing)
	}
	all, err := OpenFolder(dir)
	if errors.Is(err, ErrNoClasses) {
		return nil, nil, fmt.Errorf("data: %s holds neither train/CLASS and val/CLASS folders nor CLASS folders; give the folder that does", dir)
	}
	if err != nil {
		return nil, nil, err
	}
	if !(valSplit > 0 && valSplit < 1) {
		return nil, nil, fmt.Errorf("data: %s has no train and val folders, and the share %v for validation is not between 0 and 1; give --val-split 0.1", dir, valSplit)
	}
	train, val = split(all, valSplit, seed)
	if val.Len() == 0 {
		return nil, nil, fmt.Errorf("data: %s: no class has a second image, so nothing is left to validate on", dir)
	}
	return train, val, nil
}

func openSplits(trainDir, valDir string) (train, val *Dataset, err error) {
	if train, err = OpenFolder(trainDir); err != nil {
		return nil, nil, err
	}
	found, empty, err := listFolder(valDir)
	if errors.Is(err, ErrNoClasses) && hasImages(valDir) {
		return nil, nil, fmt.Errorf("data: %s: %w", valDir, ErrFlatVal)
	}
	if err != nil {
		return nil, nil, err
	}
	val, unknown, missing := found.Match(train.Classes)
	counts, own := found.Counts(), positions(found.Classes)
	for _, name := range unknown {
		val.Problems = append(val.Problems, Problem{filepath.Join(valDir, name),
			fmt.Sprintf("no class of train: its %d images are left out", counts[own[name]])})
	}
	for _, name := range missing {
		val.Problems = append(val.Problems, Problem{filepath.Join(valDir, name), "a class of train without a folder in val"})
	}
	for _, name := range empty {
		val.Problems = append(val.Problems, Problem{filepath.Join(valDir, name), "a class folder without an image"})
	}
	if val.Len() == 0 {
		return nil, nil, fmt.Errorf("data: %s: none of its images has a class of %s: %d folders there are no classes of train (%s), %d of train's are missing there (%s)",
			valDir, trainDir, len(unknown), quoteSome(unknown), len(missing), quoteSome(missing))
	}
	return train, val, nil
}

// split moves the same share of every class to val: at least one image where the class
// has two, never its last. Both keep the order of all.
func split(all *Dataset, share float64, seed uint64) (train, val *Dataset) {
	train = &Dataset{Root: all.Root, Classes: all.Classes, Problems: all.Problems}
	val = &Dataset{Root: all.Root, Classes: all.Classes}
	byClass := make([][]int, len(all.Classes))
	for i, s := range all.Samples {
		byClass[s.Class] = append(byClass[s.Class], i)
	}
	chosen := make([]bool, all.Len())
	for class, members := range byClass {
		n := len(members)
		take := min(max(int(math.RoundToEven(share*float64(n))), 1), n-1)
		rng := newRandom(seed, splitStream, uint64(class))
		rng.Shuffle(n, func(i, j int) { members[i], members[j] = members[j], members[i] })
		for _, i := range members[:take] {
			chosen[i] = true
		}
	}
	for i, s := range all.Samples {
		if chosen[i] {
			val.Samples = append(val.Samples, s)
		} else {
			train.Samples = append(train.Samples, s)
		}
	}
	return train, val
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hasImages reports whether images lie directly in dir.
func hasImages(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return HasImageExtension(e.Name()) && !e.IsDir() })
}
