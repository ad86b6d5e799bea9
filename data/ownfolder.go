package data

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The kinds of folders that this program writes, as messages name them.
const (
	OwnRun    = "a training run"
	OwnShards = "shards"
)

// ownFolders are the folders that this program writes, recognized by the names in them. They may be
// beside the class folders, since a run's default place is the folder runs of the current one.
var ownFolders = []struct {
	is    string
	names []string // all of them are there
}{
	{OwnRun, []string{"config.yaml", "events.jsonl"}},
	{OwnRun, []string{"config.yaml", "checkpoints"}}, // one that failed at its start
	{OwnRun, []string{".lock", "checkpoints"}},       // one that starts at the moment
	{OwnShards, []string{"shards.json"}},
}

// OwnFolder returns [OwnRun] or [OwnShards] if a folder's entries, sorted by name, show that this
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

// IsPart reports whether dir is a folder of the data set in root, root itself included, so that files
// written there would be taken for its own. A missing or empty folder, and one of the kind own, is none.
func IsPart(root, dir, own string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 || OwnFolder(entries) == own {
		return false
	}
	inside, err := filepath.Rel(realPath(root), realPath(dir))
	return err == nil && filepath.IsLocal(inside)
}

// realPath returns the absolute path that symbolic links lead to, as far as it is known.
func realPath(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return path
}
