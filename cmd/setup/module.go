package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// addModule runs setup and then lets the Go module in dir import depthwise.dev/...: it writes a
// go.work that replaces gotch and depthwise.dev. It also replaces depthwise.dev in go.mod, because
// go mod tidy does not read go.work.
func (s *setup) addModule(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	mod := filepath.Join(dir, "go.mod")
	if strings.Contains(s.repo, `\`) {
		return fmt.Errorf("the path of the repository %s contains a backslash, which go takes for a path of Windows in go.mod; rename the folder", s.repo)
	}
	text, err := os.ReadFile(mod)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s holds no Go module; run in it: go mod init NAME", dir)
	}
	if err != nil {
		return err
	}
	if strings.HasPrefix(string(text), "module "+modulePath+"\n") {
		return fmt.Errorf("%s is %s itself; --module is for a module that imports it", dir, modulePath)
	}
	work := filepath.Join(dir, "go.work")
	if err := checkWorkFile(work); err != nil {
		return err
	}
	p, err := s.install()
	if err != nil {
		return err
	}
	version, err := goVersion(mod)
	if err != nil {
		return err
	}
	if newer(s.goVersion, version) {
		version = s.goVersion // go requires at least the version of every imported module
	}
	edit := []string{"mod", "edit", "-go=" + version, "-replace=" + modulePath + "=" + s.repo,
		"-require=" + modulePath + "@v0.0.0", "-require=" + gotchModule + "@" + gotchVersion} // custom layers are written with gotch
	cmd := exec.Command("go", edit...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastLines(string(out), 6))
	}
	if err := s.mergeSums(filepath.Join(dir, "go.work.sum")); err != nil {
		return err
	}
	if _, err := replaceFile(work, goWork(version, p.gotch, s.repo)); err != nil {
		return err
	}
	s.logf("%s can import %s/... now; after adding the imports, run in it: go mod tidy", dir, modulePath)
	return nil
}

// mergeSums adds the lines of our go.sum to a go.work.sum, so that the module builds before its own
// go.sum has them.
func (s *setup) mergeSums(path string) error {
	ours, err := os.ReadFile(filepath.Join(s.repo, "go.sum"))
	if err != nil {
		return err
	}
	theirs, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := slices.Collect(strings.Lines(string(ours) + string(theirs)))
	slices.Sort(lines)
	_, err = replaceFile(path, strings.Join(slices.Compact(lines), ""))
	return err
}

// newer reports whether Go version a ("1.26.8") is newer than b.
func newer(a, b string) bool {
	return slices.Compare(versionParts(a), versionParts(b)) > 0
}

// versionParts splits a Go version into numbers. A release candidate counts as its release.
func versionParts(version string) []int {
	var list []int
	for part := range strings.SplitSeq(version, ".") {
		n := 0
		fmt.Sscan(part, &n) // "26rc1" gives 26
		list = append(list, n)
	}
	return list
}
