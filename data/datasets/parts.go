package datasets

import (
	"context"
	"errors"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/shards"
)

// Part is one part of a data set.
type Part struct {
	Name  string // "train", "val", "test" or, if the data set has no parts, "all"
	Set   *data.Dataset
	Empty []string // class folders without an image
}

// Parts lists train, val and test, or all. Unlike [Source.Open] it accepts missing parts and empty
// classes.
func (s Source) Parts(ctx context.Context) ([]Part, error) {
	if lists, ok, err := s.findLists(); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return s.listParts(lists)
	}
	found, ok, err := s.shards().Find(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		return s.shardParts(ctx, found)
	}
	l, err := findLayout(s.Path)
	if err != nil {
		return nil, err
	}
	if !l.parted() {
		set, empty, err := s.list(l, names.NoSplit)
		return []Part{{Name: "all", Set: set, Empty: empty}}, err
	}
	var parts []Part
	for _, part := range l.listed() {
		set, empty, err := s.list(l, part)
		if errors.Is(err, data.ErrNoClasses) && part == names.Test { // images without labels are common in test
			l.unused = append(l.unused, data.Problem{Path: l.parts[part], Reason: "the test part: not checked, it has no class folders"})
			continue
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: string(part), Set: set, Empty: empty})
	}
	if parts == nil {
		return nil, noClasses(l.root, names.Test)
	}
	parts[0].Set.Problems = append(l.unused, parts[0].Set.Problems...)
	return parts, nil
}

func (s Source) shardParts(ctx context.Context, found shards.Paths) ([]Part, error) {
	var parts []Part
	for _, part := range []struct {
		name  names.Split
		paths []string
	}{{names.Train, found.Train}, {names.Val, found.Val}, {names.Test, found.Test}} {
		if len(part.paths) == 0 {
			continue
		}
		set, err := s.shards().Open(ctx, found.Root, part.paths)
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Name: string(part.name), Set: set})
	}
	if len(parts) == 1 {
		parts[0].Name = "all"
	}
	return parts, nil
}
