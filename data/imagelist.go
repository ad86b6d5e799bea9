package data

import (
	"fmt"

	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/names"
)

// ListImages lists the images in a folder and in all folders below it, without classes, in torchvision's order.
// problems names what is skipped, by the rules of [OpenFolder]: hidden files and folders, those of systems, and runs
// and shards of this program. It returns an error if the folder cannot be read.
func ListImages(dir string) (paths []string, problems []Problem, err error) {
	l, _ := listClass("", dir, index.Cache{})
	switch {
	case l.err != nil:
		return nil, nil, l.err
	case l.failedAt == dir:
		return nil, nil, fmt.Errorf("data: %s: %s", names.Show(dir), l.problems[0].Reason)
	}
	return l.files, l.problems, nil
}

// UnescapeName returns the name that [EscapeName] was given.
func UnescapeName(text string) string { return names.Unescape(text) }
