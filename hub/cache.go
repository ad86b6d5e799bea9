package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/weights"
)

// The cache, DIR/depthwise/hub with DIR the user's cache folder:
//
//	torchvision/mobilenet_v2-7ebf99e0.pth           a known file, under the name of its address
//	torchvision/mobilenet_v2-7ebf99e0.pth.origin.json
//	huggingface/ORG/NAME/COMMIT/model.safetensors   a repository's files
//	huggingface/ORG/NAME/refs/main                  the commit that a revision meant when it was fetched
//	huggingface/ORG/NAME/main/model.safetensors     files that the user put there, without a network
const (
	huggingFaceFolder = "huggingface"
	refsFolder        = "refs"
)

// filePath is where a known file is.
func (e environment) filePath(k *Known) string {
	publisher, _, _ := strings.Cut(k.Name, "/")
	return filepath.Join(e.cache, publisher, path.Base(k.Address))
}

func (e environment) repositoryFolder(r repository) string {
	return filepath.Join(e.cache, huggingFaceFolder, r.org, r.name)
}

func (e environment) refPath(r repository) string {
	return filepath.Join(e.repositoryFolder(r), refsFolder, r.revision)
}

// writeRef records which commit a revision means.
func (e environment) writeRef(r repository, commit string) error {
	if r.revision == commit {
		return nil
	}
	file := e.refPath(r)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = atomicfile.WriteFile(file, 0o644, []byte(commit+"\n"))
	}
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

// readRef returns the commit in a file such as refs/main, "" if there is none.
func readRef(file string) string {
	text, err := os.ReadFile(file)
	commit := strings.TrimSpace(string(text))
	if err != nil || !commitPattern.MatchString(commit) {
		return ""
	}
	return commit
}

// cachedFile returns the file of a target in the cache, "" if it is not there.
func (e environment) cachedFile(t target) string {
	if t.repo.org == "" {
		if file := e.filePath(t.known); exists(file) {
			return file
		}
		return ""
	}
	folder := e.repositoryFolder(t.repo)
	if file := weightsIn(filepath.Join(folder, t.repo.revision), t.repo.file); file != "" {
		return file
	}
	if commit := readRef(e.refPath(t.repo)); commit != "" {
		return weightsIn(filepath.Join(folder, commit), t.repo.file)
	}
	return ""
}

// weightsIn returns the weights in a folder with the files of a repository, "" if it has none, or several and none named.
func weightsIn(folder, named string) string {
	if named != "" {
		if file := filepath.Join(folder, filepath.FromSlash(named)); exists(file) {
			return file
		}
		return ""
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if exists(filepath.Join(folder, e.Name())) {
			names = append(names, e.Name())
		}
	}
	file, err := chooseWeights(names, "")
	if err != nil {
		return ""
	}
	return filepath.Join(folder, file)
}

// borrow looks for a target in the cache of the tool that its publisher provides. It returns the file there and, for a
// repository, its commit.
func (e environment) borrow(t target) (file, commit string) {
	if t.repo.org == "" {
		folder := map[string]string{"torchvision": e.torch, "keras": e.keras}[path.Dir(t.known.Name)]
		if file := filepath.Join(folder, path.Base(t.known.Address)); folder != "" && exists(file) {
			return file, ""
		}
		return "", ""
	}
	model := filepath.Join(e.huggingFace, "models--"+t.repo.org+"--"+t.repo.name)
	commit = t.repo.revision
	if !commitPattern.MatchString(commit) {
		commit = readRef(filepath.Join(model, "refs", t.repo.revision))
	}
	if commit == "" {
		return "", ""
	}
	return weightsIn(filepath.Join(model, "snapshots", commit), t.repo.file), commit
}

// link makes files of another tool's cache appear in this one, with the files that describe them.
func (e environment) link(t target, file, commit string) (string, error) {
	to := filepath.Dir(e.cachePathOf(t, commit, filepath.Base(file)))
	if t.repo.file != "" {
		to = filepath.Join(e.repositoryFolder(t.repo), commit, filepath.FromSlash(path.Dir(t.repo.file)))
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", fmt.Errorf("hub: %w", err)
	}
	names := []string{filepath.Base(file)}
	if commit != "" {
		names = append(slices.Clone(beside), names...)
	}
	for _, name := range names {
		source, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(file), name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = replaceLink(source, filepath.Join(to, name))
		}
		if err != nil {
			return "", fmt.Errorf("hub: %w", err)
		}
	}
	if commit != "" {
		if err := e.writeRef(t.repo, commit); err != nil {
			return "", err
		}
	}
	return filepath.Join(to, filepath.Base(file)), nil
}

// cachePathOf is where a target's file of a name is.
func (e environment) cachePathOf(t target, commit, name string) string {
	if t.repo.org == "" {
		return e.filePath(t.known)
	}
	return filepath.Join(e.repositoryFolder(t.repo), commit, name)
}

func replaceLink(source, to string) error {
	temp := atomicfile.TempName(to)
	if err := os.Symlink(source, temp); err != nil {
		return err
	}
	return os.Rename(temp, to)
}

// Entry is a file of weights in the cache.
type Entry struct {
	Path    string
	Sidecar *weights.Sidecar // nil: it has none, as a file that was put there and not used yet
}

// Cached lists the weights in the cache, sorted by path. cache is its folder, "" for the user's.
func Cached(cache string) ([]Entry, error) {
	e, err := readEnvironment(cache)
	if err != nil {
		return nil, err
	}
	var list []Entry
	err = filepath.WalkDir(e.cache, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || !slices.Contains(otherWeights, path.Ext(file)) || !exists(file) {
			return err
		}
		s, err := weights.ReadSidecar(file)
		list = append(list, Entry{Path: file, Sidecar: s})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hub: %w", err)
	}
	return list, nil
}
