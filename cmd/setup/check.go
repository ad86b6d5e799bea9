package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// runSetup is the command that mends whatever is not made yet.
const runSetup = "run: go run ./cmd/setup"

// finding is one line of --check.
type finding struct {
	Name string
	Text string
	Err  error // what is wrong, with the command that mends it
}

// check prints what is there, without making, fetching or changing anything. It fails when something is wrong.
func (s *setup) check(out io.Writer) error {
	wrong := 0
	for _, f := range s.findings() {
		state, text := "ok", f.Text
		if f.Err != nil {
			state, text = "WRONG", f.Err.Error()
			wrong++
		}
		fmt.Fprintf(out, "%-6s %-15s %s\n", state, f.Name, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 23)))
	}
	if wrong > 0 {
		return fmt.Errorf("%d of the above is wrong", wrong)
	}
	return nil
}

// findings looks at every part in the order in which one needs the other.
func (s *setup) findings() []finding {
	var list []finding
	add := func(name, text string, err error) { list = append(list, finding{name, text, err}) }
	c, compilerErr := findCompiler()
	add("compiler", c.Version+", "+c.Path, compilerErr)
	add("pip", pipText(), nil)
	add("processor", processorText(), nil)

	t, torchErr := s.locate()
	if torchErr == nil && t.Source == pinnedWheel {
		torchErr = s.mustBeWhole(t.ID)
	}
	add("libtorch", fmt.Sprintf("%s, %s, %s", t.Version, t.Source, t.Dir), torchErr)
	if compilerErr != nil {
		return list
	}
	p := parts{compiler: c, torch: t, jpeg: s.findJPEG(c)}
	list = append(list, jpegFinding(p.jpeg))
	if torchErr != nil {
		return list
	}
	fit, err := s.checkFit(fitName(c, t))
	list = append(list, fit...)
	if err == nil {
		p.gotch = filepath.Join(s.cache, fitName(c, t))
	}
	native, text, err := s.checkNative(c, t)
	p.native = native
	add("autograd/native", text, err)
	for _, f := range s.generated(p) {
		if !f.current(s.repo) {
			add(f.Path, "", errors.New("is missing or not up to date; "+runSetup))
		}
	}
	return list
}

// mustBeWhole tells what to do about a folder of the cache that is not there or not whole.
func (s *setup) mustBeWhole(name string) error {
	dir := filepath.Join(s.cache, name)
	if _, whole := readManifest(dir); whole {
		return nil
	}
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s has lost files; %s", dir, runSetup)
	}
	return fmt.Errorf("%s is not there; %s", dir, runSetup)
}

// checkFit looks at the fitted gotch: whether it is there and loads, and what this libtorch lacks.
func (s *setup) checkFit(name string) ([]finding, error) {
	dir := filepath.Join(s.cache, name)
	if err := s.mustBeWhole(name); err != nil {
		return []finding{{"gotch", "", err}}, err
	}
	capability, err := probe(filepath.Join(dir, "libtch"))
	if err != nil {
		return []finding{{"gotch", "", fmt.Errorf("%w; run: go run ./cmd/setup --clean && go run ./cmd/setup", err)}}, err
	}
	m, _ := readManifest(dir)
	lacks := "none"
	if len(m.Lacks) > 0 {
		lacks = fmt.Sprintf("%d: %s", len(m.Lacks), strings.Join(m.Lacks, " "))
	}
	return []finding{
		{"gotch", fmt.Sprintf("%s, %d kinds of repair, %s", gotchVersion, len(repairs), dir), nil},
		{"capability", capability + " (the instruction set that libtorch uses here)", nil},
		{"lacking", lacks + " (functions of gotch that this libtorch does not have; they return an error)", nil},
	}, nil
}

// checkNative looks for the library of autograd/native that belongs to the sources as they are.
func (s *setup) checkNative(c compiler, t libtorch) (dir, text string, err error) {
	sources, err := s.nativeSources(c, t)
	if err != nil {
		return "", "", err
	}
	if len(sources) == 0 {
		return "", "no C++ in it", nil
	}
	name := nativeName(sources)
	if err := s.mustBeWhole(name); err != nil {
		return "", "", err
	}
	dir = filepath.Join(s.cache, name)
	return dir, fmt.Sprintf("%d C++ files, %s", len(sources), dir), nil
}

func jpegFinding(j libjpeg) finding {
	switch {
	case j.system:
		return finding{"libjpeg-turbo", "the system's", nil}
	case j.found():
		return finding{"libjpeg-turbo", j.lib, nil}
	}
	return finding{"libjpeg-turbo", "", fmt.Errorf("its headers (jpeglib.h) are missing; %s, or install them%s", runSetup, aptHint(distributionPackages()[0]))}
}

// pipText tells which pip would fetch libtorch. Without one, everything that is fetched already goes on working.
func pipText() string {
	pip, err := findPip()
	if err != nil {
		return "none (needed only to fetch libtorch" + aptHint("python3-pip") + ")"
	}
	return strings.Join(pip, " ")
}
