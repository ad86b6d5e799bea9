package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// linkSafe are the characters besides letters and digits that may be in the path of a linked library.
// It is the list of go/build (safeString) without three: a comma divides -Wl,-rpath,PATH; a colon
// divides DT_RPATH, and the dynamic linker expands $ORIGIN and $LIB in it.
const linkSafe = "+-./=_@%!~^ "

// linkUnsafe returns the first character of a path with which no library in it can be linked; "" if
// there is none.
func linkUnsafe(path string) string {
	if !utf8.ValidString(path) {
		return "that is not UTF-8" // go refuses such source files
	}
	for _, r := range path {
		switch ascii := r < utf8.RuneSelf; {
		case ascii && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(linkSafe, r)):
		case !ascii && unicode.IsPrint(r):
		default:
			return fmt.Sprintf("%q", r)
		}
	}
	return ""
}

// checkCachePath returns an error if libraries in the cache cannot be linked because of its path.
func checkCachePath(cache string) error {
	if bad := linkUnsafe(cache); bad != "" {
		return fmt.Errorf("the path of the cache folder %q contains a character that go or the linker does not accept in the path of a library, %s; "+
			"set XDG_CACHE_HOME to a folder whose path has letters, digits, spaces and %s only", cache, bad, strings.TrimSpace(linkSafe))
	}
	return nil
}

// checkRepoPath returns an error if go cannot build in the folder of the repository because of its path.
func checkRepoPath(repo string) error {
	if !utf8.ValidString(repo) || strings.ContainsAny(repo, "\n\r") {
		return fmt.Errorf("the path of the repository %q contains a line break or a character that is not UTF-8, which go does not accept; rename the folder", repo)
	}
	return nil
}

// linked returns the libtorch under a path that libraries can be linked in: a symbolic link in the
// cache if the path of its folder has other characters. makeLink creates the link.
func (s *setup) linked(t libtorch) libtorch {
	if linkUnsafe(t.Dir) != "" {
		t.Target, t.Dir = t.Dir, filepath.Join(s.cache, "libtorch-link-"+key(t.Dir))
	}
	return t
}

// checkLink returns an error if the symbolic link to libtorch is needed and missing.
func (t libtorch) checkLink() error {
	if t.Target == "" {
		return nil
	}
	if target, err := os.Readlink(t.Dir); err != nil || target != t.Target {
		return fmt.Errorf("%s is not a link to %s, whose path the linker does not accept; %s", t.Dir, t.Target, runSetup)
	}
	return nil
}

// makeLink creates the symbolic link to libtorch if it is needed.
func (s *setup) makeLink(t libtorch) error {
	if t.checkLink() == nil {
		return nil
	}
	if err := os.Remove(t.Dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return cacheError(s.cache, err)
	}
	if err := os.Symlink(t.Target, t.Dir); err != nil {
		return cacheError(s.cache, err)
	}
	return nil
}
