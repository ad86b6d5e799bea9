package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// nativePackages have C code. trialPackages include a program, too: go asks git for its version, which git
// refuses in a checkout of another user; go run and go test do not ask.
var (
	nativePackages = []string{"./data/jpeg", "./autograd/native"}
	trialPackages  = append([]string{"./cmd/setup"}, nativePackages...)
)

// trialBuild builds packages as go builds the program, which finds what no other check knows of: a
// broken C compiler, CGO_CFLAGS, libraries that do not link, a checkout of another user.
func (s *setup) trialBuild(packages []string) error {
	cmd := exec.Command("go", append([]string{"build"}, packages...)...)
	cmd.Dir = s.repo
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	hint := "repair what go reports"
	for _, known := range buildHints {
		if known.output.Match(out) {
			hint = strings.ReplaceAll(known.hint, "REPO", s.repo)
			break
		}
	}
	return fmt.Errorf("%s: %w; %s\n%s", strings.Join(cmd.Args, " "), err, hint, lastLines(string(out), 12))
}

// buildHints say what to do about messages of go, of the compiler and of the linker.
var buildHints = []struct {
	output *regexp.Regexp
	hint   string
}{
	{regexp.MustCompile(`error obtaining VCS status`),
		"git refuses the checkout of another user; run: git config --global --add safe.directory 'REPO'; or: go env -w GOFLAGS=-buildvcs=false"},
	{regexp.MustCompile(`No space left on device|no space left on device|Disk quota exceeded`),
		"free disk space, or move go's folders: go env -w GOCACHE=DIR, GOTMPDIR=DIR"},
	{regexp.MustCompile(`permission denied|read-only file system`), "make the named folder writable, or move it: GOCACHE, GOTMPDIR and GOMODCACHE name go's folders"},
	{regexp.MustCompile(`invalid flag in|malformed #cgo argument`), "remove the flag that go refuses from CGO_CFLAGS or CGO_LDFLAGS (go env | grep CGO_)"},
	{regexp.MustCompile(`no such host|i/o timeout|connection refused|module lookup disabled`), "go downloads modules: check the network and GOPROXY (go env GOPROXY)"},
	{regexp.MustCompile(`cgo: C compiler|gcc failed|exec: |error: unrecognized|cannot find -l|undefined reference|fatal error: |ld returned`),
		"check CC and the flags for cgo (go env CC CGO_CFLAGS CGO_CPPFLAGS CGO_LDFLAGS)"},
}
