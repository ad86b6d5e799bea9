package classify

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hasGlob reports whether a path has the characters of a glob.
func hasGlob(path string) bool { return strings.ContainsAny(path, "*?[") }

// glob adds what a glob matches, in the order of names. It matches as a shell does: names that begin with "." only where the
// pattern has it. A folder that matches adds its images.
func (l *lister) glob(ctx context.Context, pattern string) {
	matches, err := expandGlob(ctx, pattern)
	switch {
	case errors.Is(err, filepath.ErrBadPattern):
		l.fail(pattern, errors.New("no such file, and not a valid glob: a [ without its ]"))
	case err != nil:
		l.fail(pattern, reason(err))
	case len(matches) == 0:
		l.fail(pattern, errors.New("no file matches"))
	}
	for _, match := range matches {
		if err := l.existing(ctx, match); err != nil { // a dangling link, or removed meanwhile
			l.fail(match, reason(err))
		}
	}
}

// expandGlob returns the paths that match, sorted within each folder.
func expandGlob(ctx context.Context, pattern string) ([]string, error) {
	root, rest := "", filepath.ToSlash(pattern)
	if strings.HasPrefix(rest, "/") {
		root, rest = "/", strings.TrimLeft(rest, "/")
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r == '/' })
	parts = slices.CompactFunc(parts, func(a, b string) bool { return a == "**" && b == "**" }) // any folders of any folders
	for _, part := range parts {
		if _, err := filepath.Match(part, ""); err != nil {
			return nil, err
		}
	}
	g := globbing{ctx: ctx, folders: strings.HasSuffix(rest, "/")}
	g.expand(root, parts)
	return g.found, ctx.Err()
}

// globbing collects matches.
type globbing struct {
	ctx     context.Context
	folders bool // the pattern ends with "/": it matches folders only
	found   []string
}

// expand adds the paths below dir that match the parts of a pattern.
func (g *globbing) expand(dir string, parts []string) {
	if g.ctx.Err() != nil {
		return
	}
	if len(parts) == 0 {
		if info, err := os.Stat(dir); !g.folders || err == nil && info.IsDir() {
			g.found = append(g.found, dir)
		}
		return
	}
	part, rest := parts[0], parts[1:]
	switch {
	case part == "**":
		g.anywhere(dir, rest)
	case !hasGlob(part):
		if path := filepath.Join(dir, part); exists(path) {
			g.expand(path, rest)
		}
	default:
		for _, e := range entries(dir) {
			if matches(part, e.Name()) && (len(rest) == 0 || isFolder(dir, e)) {
				g.expand(filepath.Join(dir, e.Name()), rest)
			}
		}
	}
}

// anywhere matches the rest of a pattern in dir and in all folders below it, without hidden ones and links, as "**" of bash and
// zsh. "**" and "**/*" at the end mean all files once, not the folders that hold them.
func (g *globbing) anywhere(dir string, rest []string) {
	files := !g.folders && (len(rest) == 0 || len(rest) == 1 && rest[0] == "*")
	if !files {
		g.expand(dir, rest)
	}
	for _, e := range entries(dir) {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), ".") || g.ctx.Err() != nil:
		case e.IsDir():
			g.anywhere(path, rest)
		case files && !isFolder(dir, e):
			g.found = append(g.found, path)
		}
	}
}

// matches reports whether a name matches a part of a pattern, which is valid.
func matches(part, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") {
		return false
	}
	ok, err := filepath.Match(part, name)
	return err == nil && ok
}

// entries lists a folder, sorted. One that cannot be read has none, as for a shell.
func entries(dir string) []fs.DirEntry {
	if dir == "" {
		dir = "."
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return list
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isFolder(dir string, e fs.DirEntry) bool {
	if e.IsDir() {
		return true
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}
