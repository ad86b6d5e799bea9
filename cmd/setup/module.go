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

// addModule sets up and then lets the Go module in dir import depthwise.dev/...: its go.work replaces gotch and depthwise.dev,
// and so does its go.mod for depthwise.dev, because go mod tidy does not read go.work.
func (s *setup) addModule(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	mod := filepath.Join(dir, "go.mod")
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
	if err := foreignWork(work); err != nil {
		return err
	}
	p, err := s.everything()
	if err != nil {
		return err
	}
	version, err := goVersion(mod)
	if err != nil {
		return err
	}
	if newer(s.goVersion, version) {
		version = s.goVersion // a module's go line may not be older than that of what it imports
	}
	edit := []string{"mod", "edit", "-go=" + version, "-replace=" + modulePath + "=" + s.repo,
		"-require=" + modulePath + "@v0.0.0", "-require=" + gotchModule + "@" + gotchVersion} // layers of one's own are written with gotch
	cmd := exec.Command("go", edit...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, lastLines(string(out), 6))
	}
	if err := s.addSums(filepath.Join(dir, "go.work.sum")); err != nil {
		return err
	}
	if _, err := replaceFile(work, goWork(version, p.gotch, s.repo)); err != nil {
		return err
	}
	s.say("%s can import %s/... now; when it does, run in it: go mod tidy", dir, modulePath)
	return nil
}

// addSums makes sure that a go.work.sum has the lines of our go.sum, so that the module builds before its own go.sum has them.
func (s *setup) addSums(path string) error {
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

// newer tells whether Go version a ("1.26.8") is newer than b.
func newer(a, b string) bool {
	return slices.Compare(numbers(a), numbers(b)) > 0
}

// numbers splits a Go version; a release candidate counts as its release.
func numbers(version string) []int {
	var list []int
	for part := range strings.SplitSeq(version, ".") {
		n := 0
		fmt.Sscan(part, &n) // "26rc1" gives 26
		list = append(list, n)
	}
	return list
}
