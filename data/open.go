package data

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

// ErrFlatVal is returned, wrapped, when a val folder holds images without class folders.
var ErrFlatVal = errors.New("images lie in it without class folders, as ImageNet comes; lay it out with: train data imagenet SRC DIR")

// Open opens what [Source] names, keeping no listing.
func Open(path string, valSplit float64, seed uint64) (train, val *Dataset, err error) {
	return Source{Path: path, ValSplit: valSplit, Seed: seed}.Open(context.Background())
}

func openSplits(trainDir, valDir string, cache indexCache) (train, val *Dataset, err error) {
	if train, err = openFolder(trainDir, cache); err != nil {
		return nil, nil, err
	}
	found, empty, err := listFolder(valDir, cache)
	if errors.Is(err, ErrNoClasses) && hasImages(valDir) {
		return nil, nil, fmt.Errorf("data: %s: %w", valDir, ErrFlatVal)
	}
	if err != nil {
		return nil, nil, err
	}
	val, err = matchVal(train, found, empty)
	return train, val, err
}

// matchVal gives found, a val split, the labels of train. empty are its classes without an image.
func matchVal(train, found *Dataset, empty []string) (*Dataset, error) {
	val, unknown, missing := found.Match(train.Classes)
	counts, own := found.Counts(), positions(found.Classes)
	for _, name := range unknown {
		val.Problems = append(val.Problems, Problem{joinPath(found.Root, name),
			fmt.Sprintf("no class of train: its %d images are left out", counts[own[name]])})
	}
	for _, name := range missing {
		val.Problems = append(val.Problems, Problem{joinPath(found.Root, name), "a class of train without a folder in val"})
	}
	for _, name := range empty {
		val.Problems = append(val.Problems, Problem{joinPath(found.Root, name), "a class folder without an image"})
	}
	if val.Len() == 0 {
		return nil, fmt.Errorf("data: %s: none of its images has a class of %s: %d folders there are no classes of train (%s), %d of train's are missing there (%s)",
			found.Root, train.Root, len(unknown), quoteSome(unknown), len(missing), quoteSome(missing))
	}
	return val, nil
}

// split moves the same share of every class to val: at least one image where the class
// has two, never its last. Both keep the order of all.
func split(all *Dataset, share float64, seed uint64) (train, val *Dataset) {
	train = &Dataset{Root: all.Root, Classes: all.Classes, Problems: all.Problems, cache: all.cache}
	val = &Dataset{Root: all.Root, Classes: all.Classes, cache: all.cache}
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
