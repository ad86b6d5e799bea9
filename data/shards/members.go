package shards

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// noClass begins the reason why a sample has no place in a data set with classes.
const noClass = "a sample without a class"

// OpenUnlabeled opens shards that Find found as images without classes: also samples that Open leaves out because they have no
// class, so any tar file of images. Remote shards without classes are an error.
func (s Source) OpenUnlabeled(ctx context.Context, root string, paths []string) (*data.Dataset, error) {
	set, err := s.Open(ctx, root, paths)
	unlabeled := errors.Is(err, errNoImages) || err == nil && slices.ContainsFunc(set.Problems, func(p data.Problem) bool { return strings.HasPrefix(p.Reason, noClass) })
	switch {
	case unlabeled && !isRemote(root):
		return members(ctx, root, paths)
	case err != nil:
		return nil, err
	}
	images := &data.Dataset{Root: set.Root, Classes: []string{""}, Problems: set.Problems}
	for _, sample := range set.Samples {
		images.Samples = append(images.Samples, data.Sample{Path: sample.Path, Part: sample.Part})
	}
	return images, nil
}

// members scans local shards for their images, with and without classes.
func members(ctx context.Context, root string, paths []string) (*data.Dataset, error) {
	d := &data.Dataset{Root: root, Classes: []string{""}}
	for _, path := range paths {
		x, err := scanUnlabeled(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", names.Show(path), err)
		}
		for _, p := range x.Problems {
			d.Problems = append(d.Problems, data.Problem{Path: JoinPath(filepath.Dir(path), p.Path), Reason: p.Reason})
		}
		for i, key := range x.Keys {
			d.Samples = append(d.Samples, data.Sample{Path: path + "/" + key + "." + x.Exts[i],
				Part: data.Part{In: localShard(path), Offset: x.Offsets[i], Size: x.Sizes[i]}})
		}
	}
	if len(d.Samples) == 0 {
		return nil, fmt.Errorf("data: %s: none of its members is an image: %s", names.Show(paths[0]), firstProblem(d.Problems))
	}
	return d, nil
}

func scanUnlabeled(ctx context.Context, path string) (*shardIndex, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // opened for reading: the error carries no information
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s := &shardScan{index: &shardIndex{Name: filepath.Base(path), Size: info.Size()}, at: f, unlabeled: true}
	return s.index, s.scan(ctx, info.Size())
}
