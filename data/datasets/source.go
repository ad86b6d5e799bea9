// Package datasets opens a data set by its path, class folders or shards, and divides it into train and
// val.
package datasets

import (
	"context"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/redact"
)

// Source says where a data set is and how it is opened.
type Source struct {
	// Path is a folder with train/CLASS/* and val/CLASS/*, or with CLASS/*; or shards, as
	// [shards.Source] describes them: a folder with train-*.tar and val-*.tar, or with train/*.tar and
	// val/*.tar, or a pattern. Parts have other names too, in any case: training; valid, validation, dev,
	// eval; test and testing, which are not used in training. Or a CSV file that lists images with their labels, see
	// package labels, or a folder with train.csv and val.csv, or labels.csv.
	Path string
	// Images, LabelDelimiter and MultiLabel say how a CSV file is read, see [labels.Options]. MultiLabel with folders or
	// shards makes a multi-label data set of them, in which each image has one label.
	Images, LabelDelimiter string
	MultiLabel             bool
	// ValSplit is the fraction of each class that is used for validation if the path has no val; Seed
	// selects the images.
	ValSplit float64
	Seed     uint64
	Rule     Rule // the zero value is that of new runs
	// Cache is a folder for listings of large data sets. Empty: none is kept. Remote shards, whose
	// paths are addresses such as s3://bucket/train-{000..127}.tar or that of their folder, need one:
	// it keeps up to CacheBytes of them; 0 means [shards.DefaultCacheBytes].
	Cache      string
	CacheBytes int64
	// Remote opens addresses; nil: they are refused.
	Remote shards.Remote
}

// Open opens a path as [Source] does, without a cache.
func Open(path string, valSplit float64, seed uint64) (train, val *data.Dataset, err error) {
	return Source{Path: path, ValSplit: valSplit, Seed: seed}.Open(context.Background())
}

// Open is [Source.OpenSplit] without the split.
func (s Source) Open(ctx context.Context) (train, val *data.Dataset, err error) {
	train, val, _, err = s.OpenSplit(ctx)
	return train, val, err
}

// OpenSplit opens the data set for training: train and val or, if there is no val, the two parts that
// ValSplit makes. The labels of val follow the classes of train, matched by name; differences between
// the two are named in val.Problems, and folders that are not used in train.Problems. split is nil if the data
// set has a val of its own: ValSplit has no effect then. It returns an error if a part is missing or empty or the
// parts have no class in common, [ErrFlatVal], and a [LayoutError].
func (s Source) OpenSplit(ctx context.Context) (train, val *data.Dataset, split *Split, err error) {
	if lists, ok, err := s.findLists(); ok || err != nil {
		if err != nil {
			return nil, nil, nil, err
		}
		return s.openLists(lists)
	}
	if train, val, split, err = s.openSplit(ctx); err == nil && s.MultiLabel {
		s.labeled(train)
		s.labeled(val)
	}
	return train, val, split, err
}

// openSplit is OpenSplit of folders and shards.
func (s Source) openSplit(ctx context.Context) (train, val *data.Dataset, split *Split, err error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if !ok {
		return s.openFolders()
	}
	if train, err = s.shards().Open(ctx, found.Root, found.Train); err != nil {
		return nil, nil, nil, err
	}
	train.Problems = append(shardNotes(found), train.Problems...)
	if len(found.Val) == 0 {
		return s.split(train)
	}
	all, err := s.shards().Open(ctx, found.Root, found.Val)
	if err != nil {
		return nil, nil, nil, err
	}
	val, err = matchVal(train, all, nil)
	return train, val, nil, err
}

// OpenVal opens the images for evaluation: val or, where there is none, test or, without parts, all; own says that
// they are val or test. Where there is no val and ValSplit is above 0, because training held out images by a split,
// they are those of train or all: [Split.HeldOut] selects from them. Class folders without an image are named in
// Problems.
func (s Source) OpenVal(ctx context.Context) (val *data.Dataset, own bool, err error) {
	if lists, ok, err := s.findLists(); ok || err != nil {
		if err != nil {
			return nil, false, err
		}
		return s.openValList(lists)
	}
	if val, own, err = s.openVal(ctx); err == nil && s.MultiLabel {
		s.labeled(val)
	}
	return val, own, err
}

// openVal is OpenVal of folders and shards.
func (s Source) openVal(ctx context.Context) (val *data.Dataset, own bool, err error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, false, err
	}
	if !ok {
		return s.openValFolder()
	}
	paths := found.Train
	switch {
	case len(found.Val) > 0:
		paths, own = found.Val, true
	case len(found.Test) > 0 && s.ValSplit == 0:
		paths, own = found.Test, true
	}
	val, err = s.shards().Open(ctx, found.Root, paths)
	return val, own, err
}

// OpenTrain opens the images for training only: train, or all if there are no parts.
func (s Source) OpenTrain(ctx context.Context) (*data.Dataset, error) {
	if lists, ok, err := s.findLists(); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return s.openTrainList(lists)
	}
	d, err := s.openTrain(ctx)
	if err == nil && s.MultiLabel {
		s.labeled(d)
	}
	return d, err
}

// openTrain is OpenTrain of folders and shards.
func (s Source) openTrain(ctx context.Context) (*data.Dataset, error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		return s.shards().Open(ctx, found.Root, found.Train)
	}
	l, err := findLayout(s.Path)
	if err != nil {
		return nil, err
	}
	return s.openTrainFolder(l)
}

func (s Source) shards() shards.Source {
	return shards.Source{Path: s.Path, Cache: s.Cache, CacheBytes: s.CacheBytes, Remote: s.Remote}
}

// shardNotes names the shards that training does not use.
func shardNotes(found shards.Paths) (notes []data.Problem) {
	for _, path := range found.Test {
		notes = append(notes, data.Problem{Path: path, Reason: "a shard of the test part: not used in training; measure it with eval --data " + names.Show(redact.Address(path))})
	}
	return notes
}
