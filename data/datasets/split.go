package datasets

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/random"
	"depthwise.dev/data/shards"
)

// ErrFlatVal is returned, wrapped, when a val folder contains images without class folders.
var ErrFlatVal = errors.New("contains images without class folders, as ImageNet is distributed; sort it with: train data imagenet SRC DIR")

// matchVal renumbers the labels of found, a val split, to follow train. empty names its classes without
// an image.
func matchVal(train, found *data.Dataset, empty []string) (*data.Dataset, error) {
	val, unknown, missing := found.Match(train.Classes)
	counts := found.CountsByName()
	problem := func(name, reason string) {
		val.Problems = append(val.Problems, data.Problem{Path: shards.JoinPath(found.Root, names.Unescape(name)), Reason: reason})
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

// split moves the same fraction of every class to val: at least one image if the class has two, never
// the last one. Both parts keep the order of all.
func split(all *data.Dataset, fraction float64, seed uint64) (train, val *data.Dataset) {
	train = &data.Dataset{Root: all.Root, Classes: all.Classes, Problems: all.Problems}
	val = &data.Dataset{Root: all.Root, Classes: all.Classes}
	byClass := make([][]int, len(all.Classes))
	for i, s := range all.Samples {
		byClass[s.Class] = append(byClass[s.Class], i)
	}
	chosen := make([]bool, all.Len())
	for class, members := range byClass {
		n := len(members)
		take := min(max(int(math.RoundToEven(fraction*float64(n))), 1), n-1)
		rng := random.New(seed, random.Split, uint64(class))
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

// hasImages reports whether dir itself contains images.
func hasImages(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return data.HasImageExtension(e.Name()) && !e.IsDir() })
}
