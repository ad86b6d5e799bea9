package data

import (
	"io/fs"
	"slices"
	"strings"
)

// ownFolders are the folders that this program writes, recognized by the names in them. They may be
// beside the class folders, since a run's default place is the folder runs of the current one.
var ownFolders = []struct {
	is    string
	names []string // all of them are there
}{
	{"a training run", []string{"config.yaml", "events.jsonl"}},
	{"a training run", []string{"config.yaml", "checkpoints"}}, // one that failed at its start
	{"a training run", []string{".lock", "checkpoints"}},       // one that starts at the moment
	{"shards", []string{"shards.json"}},
}

// OwnFolder returns "a training run" or "shards" if a folder's entries, sorted by name, show that this
// program wrote it, and "" for other folders.
func OwnFolder(entries []fs.DirEntry) string {
	for _, own := range ownFolders {
		missing := slices.ContainsFunc(own.names, func(name string) bool {
			_, there := slices.BinarySearchFunc(entries, name, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
			return !there
		})
		if !missing {
			return own.is
		}
	}
	return ""
}
