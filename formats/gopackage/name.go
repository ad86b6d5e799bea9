package gopackage

import (
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Name is what a package is called.
type Name struct {
	Package string // in its clause
	Path    string // by which it is imported
	Module  bool   // it is a module of its own, with a go.mod
}

// NameOf names the package in a folder, which need not exist, by the folder's name. Below the go.mod of a module it belongs
// to that module; elsewhere it is a module of its own.
func NameOf(folder string) (Name, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return Name{}, fmt.Errorf("gopackage: %w", err)
	}
	n := Name{Package: identifier(filepath.Base(folder)), Module: true}
	n.Path = "example.com/" + n.Package // with a dot, as paths without one belong to the standard library
	for parent := filepath.Dir(folder); ; parent = filepath.Dir(parent) {
		text, err := os.ReadFile(filepath.Join(parent, "go.mod"))
		if err == nil {
			if module := modulePath(string(text)); module != "" {
				relative, err := filepath.Rel(parent, folder)
				if err != nil {
					return Name{}, fmt.Errorf("gopackage: %w", err)
				}
				n.Path, n.Module = path.Join(module, filepath.ToSlash(relative)), false
			}
			return n, checkPath(n.Path)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return Name{}, fmt.Errorf("gopackage: %w", err)
		}
		if parent == filepath.Dir(parent) {
			return n, nil
		}
	}
}

// identifier makes the name of a package from that of a folder: its ASCII letters and digits in lower case. "classifier"
// stands for names that have none and for those that mean something else in Go.
func identifier(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0 {
			b.WriteRune(r)
		}
	}
	s := b.String()
	if s == "" || token.IsKeyword(s) || reserved[s] {
		return "classifier"
	}
	return s
}

// reserved are names of packages and folders that go treats in a special way.
var reserved = map[string]bool{"main": true, "documentation": true, "internal": true, "vendor": true}

// modulePath returns the module path in the text of a go.mod, "" without one.
// https://go.dev/ref/mod#go-mod-file-module
func modulePath(text string) string {
	for _, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[0] != "module" {
			continue
		}
		if unquoted, err := strconv.Unquote(fields[1]); err == nil {
			return unquoted
		}
		return fields[1]
	}
	return ""
}

// checkPath refuses an import path with characters that go refuses.
// https://pkg.go.dev/golang.org/x/mod/module#CheckImportPath
func checkPath(p string) error {
	for _, r := range p {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-._~+", r)) {
			return fmt.Errorf("gopackage: the package would be imported as %q, and go accepts no %q there: choose another folder", p, r)
		}
	}
	return nil
}
