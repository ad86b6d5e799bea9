package datasets

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/shards"
)

// Part is one part of a data set.
type Part struct {
	Name  string // "train", "val" or, if there is one part, "all"
	Set   *data.Dataset
	Empty []string // class folders without an image
}

// Parts lists train and val, or all. Unlike [Source.Open] it accepts missing parts and empty classes.
func (s Source) Parts(ctx context.Context) ([]Part, error) {
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		return s.shardParts(ctx, found)
	}
	var parts []Part
	for _, name := range []string{"train", "val"} {
		dir := filepath.Join(s.Path, name)
		if !sys.IsDir(dir) {
			continue
		}
		set, empty, err := data.ListFolder(dir, s.Cache)
		if errors.Is(err, data.ErrNoClasses) && hasImages(dir) {
			return nil, fmt.Errorf("data: %s: %w", dir, ErrFlatVal)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: name, Set: set, Empty: empty})
	}
	if parts == nil {
		set, empty, err := data.ListFolder(s.Path, s.Cache)
		if err != nil {
			return nil, err
		}
		parts = []Part{{Name: "all", Set: set, Empty: empty}}
	}
	return parts, nil
}

func (s Source) shardParts(ctx context.Context, found shards.Paths) ([]Part, error) {
	var parts []Part
	for _, part := range []struct {
		name  string
		paths []string
	}{{"train", found.Train}, {"val", found.Val}} {
		if len(part.paths) == 0 {
			continue
		}
		set, err := s.shards().Open(ctx, found.Root, part.paths)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: part.name, Set: set})
	}
	if len(parts) == 1 {
		parts[0].Name = "all"
	}
	return parts, nil
}
