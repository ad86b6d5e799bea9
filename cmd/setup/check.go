package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// runSetup is the command that builds or repairs every component.
const runSetup = "run: go run ./cmd/setup"

// finding is the state of one component, a line of --check.
type finding struct {
	Name    string
	Text    string
	Warning string // what may become a problem
	Err     error  // the problem, with the command that fixes it; nil if the component is in order
}

// check prints the state of every component without building, downloading or changing anything. It
// returns an error if a component is missing or broken.
func (s *setup) check(out io.Writer) error {
	failed := 0
	for _, f := range s.findings() {
		state, text := "ok", f.Text
		if f.Warning != "" {
			state, text = "WARN", f.Warning
		}
		if f.Err != nil {
			state, text = "FAILED", f.Err.Error()
			failed++
		}
		fmt.Fprintf(out, "%-6s %-15s %s\n", state, f.Name, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 23)))
	}
	if failed > 0 {
		return fmt.Errorf("%d of the checks above failed", failed)
	}
	return nil
}

// findings checks the components in the order of their dependencies.
func (s *setup) findings() []finding {
	var list []finding
	add := func(name, text string, err error) { list = append(list, finding{Name: name, Text: text, Err: err}) }
	env, err := readGoEnv(s.repo)
	if err != nil {
		add("go", "", err)
		return list
	}
	add("go", fmt.Sprintf("cgo %s, %s/%s", env["CGO_ENABLED"], env["GOOS"], env["GOARCH"]), env.check(s.repo))
	cache := s.cacheFinding()
	if cache.Warning == "" && readOnly(writeAccess(s.cache)) {
		cache.Warning = s.cache + " is read-only: what is complete is used; if something below is missing, make it writable or set XDG_CACHE_HOME to another folder"
	}
	list = append(list, cache)
	c, compilerErr := env.findCompiler()
	if compilerErr == nil {
		compilerErr = c.checkCPP20()
	}
	add("compiler", c.Version+", "+c.String(), compilerErr)
	add("pip", describePip(), nil)
	add("processor", describeProcessor(), nil)

	t, torchErr := s.locate()
	if torchErr == nil && t.pinned() {
		torchErr = s.checkComplete(t.ID)
	}
	if torchErr == nil {
		torchErr = t.checkLink()
	}
	add("libtorch", fmt.Sprintf("%s, %s, %s", t.Version, t.Source, t.Dir), torchErr)
	list = append(list, gpuFindings(torchErr == nil && t.CUDA)...)
	if compilerErr != nil {
		return list
	}
	p := parts{compiler: c, torch: t, jpeg: s.findJPEG(c)}
	list = append(list, jpegFinding(p.jpeg))
	if torchErr != nil {
		return list
	}
	gotch, err := s.checkGotch(gotchFolder(c, t))
	list = append(list, gotch...)
	if err == nil {
		p.gotch = filepath.Join(s.cache, gotchFolder(c, t))
	}
	native, text, err := s.checkNative(c, t)
	p.native = native
	add("autograd/native", text, err)
	for _, f := range s.generated(p) {
		if !f.upToDate(s.repo) {
			add(f.Path, "", errors.New("is missing or not up to date; "+runSetup))
		}
	}
	if !slices.ContainsFunc(list, func(f finding) bool { return f.Err != nil }) {
		add("build", "go builds "+strings.Join(trialPackages, " "), s.trialBuild(trialPackages))
	}
	return list
}

// cacheFinding checks the folder of the cache, and the path of the repository with it.
func (s *setup) cacheFinding() finding {
	warning, err := s.checkTrust(os.Geteuid())
	if err == nil {
		err = errors.Join(checkCachePath(s.cache), checkRepoPath(s.repo), checkIsFolder(s.cache))
	}
	return finding{Name: "cache", Text: s.cache, Warning: warning, Err: err}
}

// checkComplete returns an error, with the command to run, if a folder of the cache is missing or
// incomplete.
func (s *setup) checkComplete(name string) error {
	dir := filepath.Join(s.cache, name)
	if _, complete := readManifest(dir); complete {
		return nil
	}
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s is incomplete; %s", dir, runSetup)
	}
	return fmt.Errorf("%s does not exist; %s", dir, runSetup)
}

// checkGotch checks that the adapted gotch exists and loads, and lists the functions that this
// libtorch does not have.
func (s *setup) checkGotch(name string) ([]finding, error) {
	dir := filepath.Join(s.cache, name)
	if err := s.checkComplete(name); err != nil {
		return []finding{{Name: "gotch", Err: err}}, err
	}
	isa, err := probe(filepath.Join(dir, "libtch"))
	if err != nil {
		return []finding{{Name: "gotch", Err: fmt.Errorf("%w; run: go run ./cmd/setup --clean && go run ./cmd/setup", err)}}, err
	}
	m, _ := readManifest(dir)
	missing := "none"
	if len(m.Missing) > 0 {
		missing = fmt.Sprintf("%d: %s", len(m.Missing), strings.Join(m.Missing, " "))
	}
	return []finding{
		{Name: "gotch", Text: fmt.Sprintf("%s, %d repairs, %s", gotchVersion, len(repairs), dir)},
		{Name: "instruction set", Text: isa + " (used by libtorch on this processor)"},
		{Name: "unavailable", Text: missing + " (functions of gotch that this libtorch does not have; they return an error)"},
	}, nil
}

// checkNative looks for the library that was built from the current sources of autograd/native.
func (s *setup) checkNative(c compiler, t libtorch) (dir, text string, err error) {
	sources, err := s.nativeSources(c, t)
	if err != nil {
		return "", "", err
	}
	if len(sources) == 0 {
		return "", "no C++ files", nil
	}
	name := nativeName(sources)
	if err := s.checkComplete(name); err != nil {
		return "", "", err
	}
	dir = filepath.Join(s.cache, name)
	return dir, fmt.Sprintf("%d C++ files, %s", len(sources), dir), nil
}

func jpegFinding(j libjpeg) finding {
	switch {
	case j.system:
		return finding{Name: "libjpeg-turbo", Text: "installed in the system"}
	case j.found():
		return finding{Name: "libjpeg-turbo", Text: j.lib}
	}
	return finding{Name: "libjpeg-turbo", Err: fmt.Errorf("its headers (jpeglib.h) are missing; %s, or install them%s", runSetup, aptHint(distributionPackages()[0]))}
}

// describePip returns the command line of the pip that would download libtorch. pip is optional
// once libtorch is in the cache.
func describePip() string {
	pip, err := findPip()
	if err != nil {
		return "none (needed only to download libtorch" + aptHint("python3-pip") + ")"
	}
	return strings.Join(pip, " ")
}
