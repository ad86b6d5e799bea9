package shards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/index"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/internal/redact"
)

// shardsFile describes the shards beside it. Shards of other programs may lack it.
const shardsFile = "shards.json"

// Paths are the tar files of a data set by split. A single split is Train, whatever its name.
type Paths struct {
	Root             string   // the folder that contains them
	Train, Val, Test []string // paths or addresses
}

// Source says where shards are and how they are read.
type Source struct {
	// Path is a folder of tar files, a folder with such folders train and val, a tar file, or a pattern
	// such as DIR/{train-{000000..000127},val-000000}.tar. Several are separated by "::".
	Path string
	// Cache is a folder for indices and, in its folder shards, for remote shards, which need one.
	Cache      string
	CacheBytes int64  // bounds the remote shards on disk; 0 means DefaultCacheBytes
	Remote     Remote // opens addresses; nil: they are refused
}

// Find finds the shards of a source. ok is false if there are none at a local path.
func (s Source) Find(ctx context.Context) (found Paths, ok bool, err error) {
	if isRemote(s.Path) {
		found, err = s.findRemote(ctx)
		return found, true, redact.Error(err)
	}
	return findLocal(s.Path)
}

// Open opens shards that Find found as a data set.
func (s Source) Open(ctx context.Context, root string, paths []string) (*data.Dataset, error) {
	if isRemote(root) {
		set, err := s.openRemote(ctx, root, paths)
		return set, redact.Error(err)
	}
	return openLocal(ctx, root, paths, index.New(s.Cache))
}

func findLocal(path string) (found Paths, ok bool, err error) {
	if strings.ContainsAny(path, "{}") || strings.Contains(path, "::") || strings.HasSuffix(path, ".tar") {
		if sys.IsDir(path) { // a folder may have such a name
			return folderShards(path)
		}
		all, err := expandBraces(path)
		if err != nil {
			return found, false, err
		}
		for _, p := range all {
			if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() {
				return found, false, fmt.Errorf("data: %s: one of the %d shards of %s is missing", p, len(all), path)
			}
		}
		return bySplit(all), true, nil
	}
	return folderShards(path)
}

func folderShards(dir string) (found Paths, ok bool, err error) {
	all, beside := tarsIn(dir)
	if _, err := os.Stat(filepath.Join(dir, shardsFile)); err == nil && all != nil && beside != "" {
		return found, false, fmt.Errorf("data: %s: it holds shards, such as %s, and a folder with images, %s: move one of the two elsewhere",
			names.Show(dir), names.Show(filepath.Base(all[0])), names.Show(filepath.Base(beside)))
	}
	if all == nil || beside != "" {
		all = tarsOfSplits(dir)
	}
	if len(all) == 0 {
		return found, false, nil
	}
	found = bySplit(all)
	found.Root = dir
	return found, true, nil
}

// tarsOfSplits returns the tar files in the subfolders of a folder that are named as a split.
func tarsOfSplits(dir string) (tars []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); names.SplitOfFolder(e.Name()) != names.NoSplit && sys.IsDir(path) {
			if found, beside := tarsIn(path); beside == "" {
				tars = append(tars, found...)
			}
		}
	}
	return tars
}

// tarsIn returns the tar files of a folder and a folder with images beside them: then they are not shards,
// since archives are often beside the class folders that they held.
func tarsIn(dir string) (tars []string, beside string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, ""
	}
	for _, e := range entries {
		kind, err := sys.KindOf(dir, e)
		if err == nil && kind != sys.Folder && names.ServiceFolder(e.Name()) == "" && strings.HasSuffix(e.Name(), ".tar") {
			tars = append(tars, filepath.Join(dir, e.Name()))
		}
	}
	if tars == nil {
		return nil, ""
	}
	return tars, imageFolder(dir)
}

// imageFolder returns a folder in dir that holds images, "" if none does.
func imageFolder(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if kind, err := sys.KindOf(dir, e); err == nil && kind == sys.Folder && names.ServiceFolder(e.Name()) == "" && holdsImages(path, maxClassDepth) {
			return path
		}
	}
	return ""
}

// maxClassDepth is the depth of the images in train/CLASS/FOLDER below the folder beside the shards.
const maxClassDepth = 3

// holdsImages reports whether a folder holds an image, in it or in its folders. Runs, whose default place is
// the folder runs of the current one, hold none.
func holdsImages(dir string, depth int) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || data.OwnFolder(entries) != "" {
		return false
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		kind, err := sys.KindOf(dir, e)
		if err != nil || kind != sys.Folder || depth == 1 {
			return err == nil && kind == sys.Regular && data.HasImageExtension(e.Name())
		}
		return names.ServiceFolder(e.Name()) == "" && holdsImages(filepath.Join(dir, e.Name()), depth-1)
	})
}

// bySplit assigns shards to splits by their name or the name of their folder.
func bySplit(all []string) Paths {
	var found Paths
	for _, p := range all {
		switch splitOf(p) {
		case names.Val:
			found.Val = append(found.Val, p)
		case names.Test:
			found.Test = append(found.Test, p)
		default:
			found.Train = append(found.Train, p)
		}
	}
	if len(found.Train) == 0 {
		found.Train, found.Val = found.Val, nil
	}
	if len(found.Train) == 0 {
		found.Train, found.Test = found.Test, nil
	}
	if found.Root = parentOf(all[0]); isRemote(found.Root) {
		found.Root = commonFolder(all)
	}
	return found
}

// splitOf returns the split that the name of a shard or else that of its folder means.
func splitOf(path string) names.Split {
	path, _ = cutQuery(path)
	path = strings.ReplaceAll(path, string(filepath.Separator), "/")
	parts := strings.Split(path, "/")
	name := strings.TrimSuffix(parts[len(parts)-1], ".tar")
	split := names.SplitOfShard(name)
	for _, s := range []names.Split{names.Train, names.Val} { // "valShard0.tar"
		if split == names.NoSplit && strings.HasPrefix(name, string(s)) {
			split = s
		}
	}
	if split == names.NoSplit && len(parts) > 1 {
		split = names.SplitOfFolder(parts[len(parts)-2])
	}
	return split
}

// openLocal opens shards on a local disk.
func openLocal(ctx context.Context, root string, paths []string, kept index.Cache) (*data.Dataset, error) {
	classes, err := shardClasses(root)
	if err != nil {
		return nil, err
	}
	indices, err := indexShards(ctx, root, paths, kept)
	if err != nil {
		return nil, err
	}
	d, err := dataset(root, indices, classes, func(x *shardIndex) data.Container { return localShard(filepath.Join(root, x.Name)) })
	if errors.Is(err, errNoImages) {
		return nil, fmt.Errorf("%w; if these are ImageNet's tars: train data imagenet SRC DIR", err)
	}
	return d, err
}

// localShard is the path of a shard on a local disk. It is opened for each read, which costs a
// hundredth of a decode, so that a data set keeps no files open.
type localShard string

// ReadAt implements [data.Container].
func (s localShard) ReadAt(_ context.Context, p []byte, offset int64) error {
	_, err := sys.Retry(string(s), func() (int, error) {
		f, err := os.Open(string(s))
		if err != nil {
			return 0, err
		}
		defer f.Close()
		return f.ReadAt(p, offset)
	})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the shard is shorter than it was when it was indexed")
	}
	return err
}

// shardSet is the content of shards.json.
type shardSet struct {
	Format  int             `json:"format"`
	Classes []string        `json:"classes"` // the names of the numbers in the .cls files
	Plan    json.RawMessage `json:"plan,omitempty"`
}

// shardClasses returns the class names of shards.json, nil without it. That of a part's folder may be in
// the folder above.
func shardClasses(root string) ([]string, error) {
	path := filepath.Join(root, shardsFile)
	text, err := os.ReadFile(path)
	if abs, wrong := filepath.Abs(root); errors.Is(err, fs.ErrNotExist) && wrong == nil && names.SplitOfFolder(filepath.Base(abs)) != names.NoSplit {
		path = filepath.Join(filepath.Dir(abs), shardsFile)
		text, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	set, err := parseShardSet(text)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", path, err)
	}
	return set.Classes, nil
}

func parseShardSet(text []byte) (shardSet, error) {
	var set shardSet
	if err := json.Unmarshal(text, &set); err != nil {
		return set, err
	}
	sorted := slices.Sorted(slices.Values(set.Classes))
	if len(slices.Compact(sorted)) != len(set.Classes) {
		return set, errors.New("a class name is repeated")
	}
	return set, nil
}
