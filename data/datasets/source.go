// Package datasets opens a data set by its path, class folders or shards, and divides it into train and
// val.
package datasets

import (
	"context"
	"fmt"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
)

// Source says where a data set is and how it is opened.
type Source struct {
	// Path is a folder with train/CLASS/* and val/CLASS/*, or with CLASS/*; or shards, as
	// [shards.Source] describes them: a folder with train-*.tar and val-*.tar, or with train/*.tar and
	// val/*.tar, or a pattern. Parts have other names too, in any case: training; valid, validation, dev,
	// eval; test and testing, which are not used in training.
	Path string
	// ValSplit is the fraction of each class that is used for validation if the path has no val; Seed
	// selects the images.
	ValSplit float64
	Seed     uint64
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

// Open opens the data set for training: train and val or, if there is no val, the two parts that
// ValSplit makes. The labels of val follow the classes of train, matched by name; differences between
// the two are named in val.Problems, and folders that are not used in train.Problems. It returns an error
// if a part is missing or empty or the parts have no class in common, [ErrFlatVal], and a [LayoutError].
func (s Source) Open(ctx context.Context) (train, val *data.Dataset, err error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return s.openFolders()
	}
	if train, err = s.shards().Open(ctx, found.Root, found.Train); err != nil {
		return nil, nil, err
	}
	train.Problems = append(shardNotes(found), train.Problems...)
	if len(found.Val) == 0 {
		return s.split(train)
	}
	all, err := s.shards().Open(ctx, found.Root, found.Val)
	if err != nil {
		return nil, nil, err
	}
	val, err = matchVal(train, all, nil)
	return train, val, err
}

// OpenVal opens the images for evaluation: val, or the part that ValSplit makes, or test if there is
// neither, or all if there are no parts. Class folders without an image are named in Problems.
func (s Source) OpenVal(ctx context.Context) (*data.Dataset, error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return s.openValFolder(ctx)
	}
	switch {
	case len(found.Val) > 0:
		return s.shards().Open(ctx, found.Root, found.Val)
	case s.ValSplit > 0:
		_, val, err := s.Open(ctx)
		return val, err
	case len(found.Test) > 0:
		return s.shards().Open(ctx, found.Root, found.Test)
	}
	return s.shards().Open(ctx, found.Root, found.Train)
}

// OpenTrain opens the images for training only: train, or all if there are no parts.
func (s Source) OpenTrain(ctx context.Context) (*data.Dataset, error) {
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

// split takes val from all images.
func (s Source) split(all *data.Dataset) (train, val *data.Dataset, err error) {
	if !(s.ValSplit > 0 && s.ValSplit < 1) {
		return nil, nil, fmt.Errorf("data: %s has no val folder; hold out a fraction of the images for validation (--val-split 0.1), or sort the images into train/CLASS and val/CLASS", s.Path)
	}
	train, val = split(all, s.ValSplit, s.Seed)
	if val.Len() == 0 {
		return nil, nil, fmt.Errorf("data: %s: no class has a second image, so none is left for validation", s.Path)
	}
	return train, val, nil
}

// shardNotes names the shards that training does not use.
func shardNotes(found shards.Paths) (notes []data.Problem) {
	for _, path := range found.Test {
		notes = append(notes, data.Problem{Path: path, Reason: "a shard of the test part: not used in training"})
	}
	return notes
}
