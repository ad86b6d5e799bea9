package classify

import (
	"context"
	"fmt"
	"os"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
	"depthwise.dev/internal/datasource"
	"depthwise.dev/internal/redact"
)

// Images lists the images of paths in their order, without classes: files; folders with all images below them, see
// [data.ListImages]; shards, all parts of them. A folder without images is an error. remote opens addresses of shards; nil: they are refused. Files are not
// opened, so they may be missing.
func Images(ctx context.Context, paths []string, remote shards.Remote) (*data.Dataset, error) {
	set := &data.Dataset{Classes: []string{""}}
	for _, path := range paths {
		if err := addImages(ctx, set, path, remote); err != nil {
			return nil, redact.Error(err)
		}
	}
	return set, nil
}

// addImages adds the images of one path to a data set.
func addImages(ctx context.Context, set *data.Dataset, path string, remote shards.Remote) error {
	info, err := os.Stat(path)
	dir := err == nil && info.IsDir()
	if !dir && (data.HasImageExtension(path) || err == nil && !strings.HasSuffix(path, ".tar")) {
		set.Samples = append(set.Samples, data.Sample{Path: path})
		return nil
	}
	if dir { // one with images beside tar files is a folder of images
		files, problems, err := data.ListImages(path)
		if err != nil {
			return err
		}
		if len(files) > 0 {
			for _, file := range files {
				set.Samples = append(set.Samples, data.Sample{Path: file})
			}
			set.Problems = append(set.Problems, problems...)
			return nil
		}
	}
	source, err := datasource.New(ctx, path, remote)
	if err != nil {
		return err
	}
	in := shards.Source{Path: source.Path, Cache: source.Cache, Remote: remote}
	found, sharded, err := in.Find(ctx)
	switch {
	case err != nil:
		return err
	case sharded:
		return addShards(ctx, set, in, found)
	case dir:
		return fmt.Errorf("classify: %s: the folder and those below it hold no image that is read, and no shards", data.ShowName(path))
	}
	set.Samples = append(set.Samples, data.Sample{Path: path}) // missing: reported when it is read
	return nil
}

// addShards adds the images of all parts of shards.
func addShards(ctx context.Context, set *data.Dataset, in shards.Source, found shards.Paths) error {
	for _, paths := range [][]string{found.Train, found.Val, found.Test} {
		if len(paths) == 0 {
			continue
		}
		part, err := in.OpenUnlabeled(ctx, found.Root, paths)
		if err != nil {
			return err
		}
		set.Samples = append(set.Samples, part.Samples...)
		set.Problems = append(set.Problems, part.Problems...)
	}
	return nil
}
