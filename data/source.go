package data

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// Source says where a data set lies and how it is opened.
type Source struct {
	// Path is a folder with train/CLASS/* and val/CLASS/*, or with CLASS/*; or shards: a
	// folder with train-*.tar and val-*.tar, or with train/*.tar and val/*.tar, a pattern
	// such as DIR/{train-{000000..000127},val-{000000..000006}}.tar, or several with "::"
	// between them.
	Path string
	// ValSplit is the share of each class that is kept for validation where the path has
	// no val; Seed chooses which.
	ValSplit float64
	Seed     uint64
	// Cache is a folder for listings of large data sets. Empty: none is kept. Distant
	// shards, whose paths are addresses such as s3://bucket/train-{000..127}.tar or their
	// folder's, need one: they are kept there while CacheBytes suffice; 0 means
	// [DefaultCacheBytes].
	Cache      string
	CacheBytes int64
	// Remote opens addresses; nil: they are refused.
	Remote Remote
}

// Open opens the data set for training: train and val, or, where there is no val, the
// two parts that ValSplit makes. Val's labels follow train's classes, matched by name;
// differences between the two are named in val.Problems. Errors: something is missing or
// empty, no class in common, [ErrFlatVal].
func (s Source) Open(ctx context.Context) (train, val *Dataset, err error) {
	shards, ok, err := s.findShards(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return s.openFolders()
	}
	if train, err = s.openShards(ctx, shards.root, shards.train); err != nil {
		return nil, nil, err
	}
	if len(shards.val) == 0 {
		return s.split(train)
	}
	found, err := s.openShards(ctx, shards.root, shards.val)
	if err != nil {
		return nil, nil, err
	}
	val, err = matchVal(train, found, nil)
	return train, val, err
}

// OpenVal opens the images to evaluate on: val, or what ValSplit kept, or all where
// neither is there.
func (s Source) OpenVal(ctx context.Context) (*Dataset, error) {
	shards, ok, err := s.findShards(ctx)
	if err != nil {
		return nil, err
	}
	if ok && len(shards.val) > 0 {
		return s.openShards(ctx, shards.root, shards.val)
	}
	if val := filepath.Join(s.Path, "val"); !ok && isDir(val) {
		return openFolder(val, s.cache())
	}
	if s.ValSplit > 0 {
		_, val, err := s.Open(ctx)
		return val, err
	}
	return s.openAll(ctx, shards, ok)
}

// OpenTrain opens the images to train on alone: train, or all where there is no such part.
func (s Source) OpenTrain(ctx context.Context) (*Dataset, error) {
	shards, ok, err := s.findShards(ctx)
	if err != nil {
		return nil, err
	}
	if train := filepath.Join(s.Path, "train"); !ok && isDir(train) {
		return openFolder(train, s.cache())
	}
	return s.openAll(ctx, shards, ok)
}

func (s Source) openAll(ctx context.Context, shards shardPaths, ok bool) (*Dataset, error) {
	if ok {
		return s.openShards(ctx, shards.root, shards.train)
	}
	return openFolder(s.Path, s.cache())
}

// findShards looks for shards near or far.
func (s Source) findShards(ctx context.Context) (found shardPaths, ok bool, err error) {
	if isRemote(s.Path) {
		found, err = s.findRemote(ctx)
		return found, true, err
	}
	return findShards(s.Path)
}

func (s Source) cache() indexCache {
	return indexCache{dir: s.Cache, from: cacheFrom, settled: settled}
}

// openFolders opens class folders for training.
func (s Source) openFolders() (train, val *Dataset, err error) {
	trainDir, valDir := filepath.Join(s.Path, "train"), filepath.Join(s.Path, "val")
	hasTrain, hasVal := isDir(trainDir), isDir(valDir)
	switch {
	case hasTrain && hasVal:
		return openSplits(trainDir, valDir, s.cache())
	case hasTrain || hasVal:
		there, missing := "train", "val"
		if hasVal {
			there, missing = missing, there
		}
		return nil, nil, fmt.Errorf("data: %s has a folder %q but none named %q; add it, or give one folder of classes as --data and --val-split 0.1", s.Path, there, missing)
	}
	all, err := openFolder(s.Path, s.cache())
	if errors.Is(err, ErrNoClasses) {
		return nil, nil, fmt.Errorf("data: %s holds neither train/CLASS and val/CLASS folders nor CLASS folders nor shards (*.tar); give the folder that does", s.Path)
	}
	if err != nil {
		return nil, nil, err
	}
	return s.split(all)
}

// split takes val from among all images.
func (s Source) split(all *Dataset) (train, val *Dataset, err error) {
	if !(s.ValSplit > 0 && s.ValSplit < 1) {
		return nil, nil, fmt.Errorf("data: %s has no train and val parts, and the share %v for validation is not between 0 and 1; give --val-split 0.1", s.Path, s.ValSplit)
	}
	train, val = split(all, s.ValSplit, s.Seed)
	if val.Len() == 0 {
		return nil, nil, fmt.Errorf("data: %s: no class has a second image, so nothing is left to validate on", s.Path)
	}
	return train, val, nil
}
