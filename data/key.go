package data

import (
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"

	"depthwise.dev/data/internal/names"
)

// Key identifies a sample by its class and its name, or in a multi-label data set by its name. It is the same when the data set is moved or
// renamed, also to another Unicode form (NFC, NFD), and when other images are added or removed. For a member of a shard that package shards
// wrote it is the class and the name of the source, which do not change when the shards are written
// again; otherwise the name of the shard is a part of it.
func (d *Dataset) Key(s Sample) string {
	name := filepath.ToSlash(d.relative(s.Path))
	if s.Part.In != nil {
		name = strings.TrimSuffix(name, filepath.Ext(name)) // the format may change when shards are written again
		if member := name[strings.LastIndexByte(name, '/')+1:]; positioned(member) {
			name = member[positionDigits+1:]
		}
	}
	class := ""
	if !d.MultiLabel {
		class = d.Classes[s.Class] + "/"
	}
	if !norm.NFC.IsNormalString(class + name) {
		class, name = normalized(class), normalized(name)
	}
	return class + strings.TrimPrefix(name, class)
}

// normalized returns a path with each name in NFC.
func normalized(path string) string {
	parts := strings.Split(path, "/")
	for i, name := range parts {
		parts[i] = names.Key(name)
	}
	return strings.Join(parts, "/")
}

// positionDigits is the number of digits before the name of the source in a member's name, such as
// 00000017-cat-001.
const positionDigits = 8

func positioned(member string) bool {
	if len(member) <= positionDigits || member[positionDigits] != '-' {
		return false
	}
	return strings.Trim(member[:positionDigits], "0123456789") == ""
}
