package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// goEnv holds settings of go: environment variables, or else what "go env -w" wrote, or else go's
// defaults.
type goEnv map[string]string

// goSettings are the settings of go that decide whether it can build the module.
var goSettings = []string{"CGO_ENABLED", "CC", "CXX", "GOFLAGS", "GO111MODULE", "GOOS", "GOARCH", "GOHOSTOS", "GOHOSTARCH"}

// readGoEnv asks go for its settings in a folder.
func readGoEnv(dir string) (goEnv, error) {
	cmd := exec.Command("go", append([]string{"env", "-json"}, goSettings...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("go is not on PATH; add the folder of the go command (https://go.dev/dl) to PATH")
	}
	var env goEnv
	if err == nil {
		err = json.Unmarshal(out, &env)
	}
	if err != nil {
		return nil, fmt.Errorf("go env: %w; repair the installation of go (https://go.dev/dl)\n%s", err, lastLines(stderr.String(), 4))
	}
	return env, nil
}

// remove returns the command that removes a setting: from the environment, or what "go env -w" wrote.
func (e goEnv) remove(name string) string {
	if os.Getenv(name) != "" {
		return "unset " + name
	}
	return "go env -u " + name
}

// check returns an error for the settings with which go does not build the module in repo.
func (e goEnv) check(repo string) error {
	return errors.Join(e.checkTarget(), e.checkModule(repo))
}

// checkTarget returns an error if go compiles for another platform, or without cgo.
func (e goEnv) checkTarget() error {
	var errs []error
	cross := false
	for _, name := range []string{"GOOS", "GOARCH"} {
		if host := e[strings.Replace(name, "GO", "GOHOST", 1)]; e[name] != host {
			cross = true
			errs = append(errs, fmt.Errorf("%s is %s on a machine of %s: libtorch and the C++ parts are of this machine's platform; run: %s",
				name, e[name], host, e.remove(name)))
		}
	}
	// go disables cgo itself when it compiles for another platform, and when the C compiler is not on
	// PATH; findC reports the latter.
	if e["CGO_ENABLED"] == "0" && (os.Getenv("CGO_ENABLED") != "" || !cross && e.findC() == nil) {
		errs = append(errs, fmt.Errorf("CGO_ENABLED is 0, so go leaves out every package with C code, and the program cannot be built; run: %s",
			e.remove("CGO_ENABLED")))
	}
	return errors.Join(errs...)
}

// checkModule returns an error if go ignores go.mod, or the go.work of the repository.
func (e goEnv) checkModule(repo string) error {
	var errs []error
	if e["GO111MODULE"] == "off" {
		errs = append(errs, fmt.Errorf("GO111MODULE is off, so go ignores go.mod; run: %s", e.remove("GO111MODULE")))
	}
	if work := os.Getenv("GOWORK"); work != "" && !sameNames(work, repo+"/go.work") { // go env -w refuses GOWORK
		errs = append(errs, fmt.Errorf("GOWORK is %s, so go ignores the go.work that setup writes into %s; run: unset GOWORK", work, repo))
	}
	for _, flag := range strings.Fields(e["GOFLAGS"]) {
		switch name, value, _ := strings.Cut(strings.TrimLeft(flag, "-"), "="); {
		case name == "mod" && value != "readonly", name == "modfile":
			errs = append(errs, fmt.Errorf("GOFLAGS contains %s, with which go does not build a module with a go.work; remove it from GOFLAGS, or run: %s",
				flag, e.remove("GOFLAGS")))
		}
	}
	return errors.Join(errs...)
}

// sameNames reports whether two paths name the same file, or are equal.
func sameNames(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return a == b || err1 == nil && err2 == nil && os.SameFile(x, y)
}

// fields splits a setting as go does: single or double quotes around a field may enclose spaces.
// See cmd/internal/quoted of go.
func fields(text string) ([]string, error) {
	var list []string
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if quote := text[:1]; quote == `"` || quote == `'` {
			field, rest, closed := strings.Cut(text[1:], quote)
			if !closed {
				return nil, fmt.Errorf("the quote %s is not closed", quote)
			}
			list, text = append(list, field), rest
			continue
		}
		end := strings.IndexAny(text, " \t\r\n")
		if end < 0 {
			end = len(text)
		}
		list, text = append(list, text[:end]), text[end:]
	}
	return list, nil
}
