package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// fitFlags compile gotch's C++: a thin layer over libtorch, which -O1 serves as well as -O3 in half the time.
var fitFlags = []string{"-std=c++20", "-O1", "-fPIC", "-w"}

// extraSource is added to gotch's C++ so that setup can load the library and ask it what it runs on.
const extraSource = `
#include <ATen/Version.h>
extern "C" const char *depthwise_cpu_capability() {
  static std::string capability = at::get_cpu_capability();
  return capability.c_str();
}
`

// fitName names the cache's folder for gotch fitted to a libtorch.
func fitName(c compiler, t libtorch) string {
	return "gotch-" + key(gotchVersion, repairsID(), strings.Join(fitFlags, " "), extraSource, goLinks("", t), c.id(), t.ID)
}

// fitGotch makes a copy of gotch that fits the libtorch: repaired, its C++ compiled once to libtch.so, its Go side linked to that.
func (s *setup) fitGotch(c compiler, t libtorch) (string, error) {
	name := fitName(c, t)
	return s.finished(name, func(dir string) ([]string, []string, error) {
		start := time.Now()
		s.say("fitting gotch %s to libtorch %s (about a minute)", gotchVersion, t.Version)
		if err := s.copyGotch(dir); err != nil {
			return nil, nil, err
		}
		if err := repairFolder(dir, repairs); err != nil {
			return nil, nil, err
		}
		lacks, err := compileGotch(c, t, dir)
		if err != nil {
			return nil, nil, err
		}
		links := goLinks(filepath.Join(s.cache, name), t)
		if err := os.WriteFile(filepath.Join(dir, "libtch", "lib.go"), []byte(links), 0o644); err != nil {
			return nil, nil, err
		}
		s.say("fitting gotch: done in %.0f s; %d functions are not in libtorch %s", time.Since(start).Seconds(), len(lacks), t.Version)
		return lacks, []string{"go.mod", "libtch/lib.go", "libtch/" + fitLibrary(), "ts/tensor.go"}, nil
	})
}

// fitLibrary is the file of gotch's compiled C++.
func fitLibrary() string { return "libtch" + sharedSuffix() }

// goLinks is the fitted lib.go. The original sets the C++ ABI of before 2015 and links CUDA unconditionally; and cgo
// would compile gotch's C++ again, with every program's first build.
func goLinks(dir string, t libtorch) string {
	folder := filepath.Join(dir, "libtch")
	return fmt.Sprintf(`package libtch

// Written by depthwise.dev/cmd/setup for libtorch %s.

// #cgo CFLAGS: -I${SRCDIR} -O2 -Wno-deprecated-declarations
// #cgo LDFLAGS: %s
import "C"
`, t.Version, cgoLinks(folder, "tch", t))
}

// cgoLinks are the LDFLAGS that link a Go package to a library that setup built.
func cgoLinks(folder, name string, t libtorch) string {
	flags := []string{"-L" + folder, "-l" + name, "-Wl,-rpath," + folder, "-Wl,-rpath," + t.lib()}
	if runtime.GOOS == "linux" { // libtorch's own needs are found at run time
		flags = append(flags, "-Wl,--allow-shlib-undefined")
	}
	for i, f := range flags {
		if strings.ContainsAny(f, " \t") {
			flags[i] = `"` + f + `"`
		}
	}
	return strings.Join(flags, " ")
}

// copyGotch copies the parts of gotch that can be imported to dir; its C++ goes where cgo does not see it.
func (s *setup) copyGotch(dir string) error {
	from, err := s.gotchSource()
	if err != nil {
		return err
	}
	skip := []string{"example", "gen"}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			if slices.Contains(skip, rel) {
				return fs.SkipDir
			}
			return os.MkdirAll(to, 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644) // the module cache is read-only, the copy must not be
	})
}

// gotchSource asks go for the unchanged module, which go.sum pins.
func (s *setup) gotchSource() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", gotchModule+"@"+gotchVersion)
	cmd.Dir = s.repo
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); err == nil {
		err = jsonErr
	}
	if err != nil || answer.Dir == "" {
		return "", fmt.Errorf("go could not download %s %s: %w; check the network and GOPROXY (go env GOPROXY), then run setup again\n%s",
			gotchModule, gotchVersion, errors.Join(err, errors.New(answer.Error)), lastLines(stderr.String(), 6))
	}
	return answer.Dir, nil
}

// compileGotch compiles the C++ of the copy in dir to its shared library. It returns the functions that this libtorch lacks.
func compileGotch(c compiler, t libtorch, dir string) ([]string, error) {
	source := filepath.Join(dir, "libtch", "cpp") // no Go file there: cgo leaves it alone
	if err := moveSources(filepath.Join(dir, "libtch"), source); err != nil {
		return nil, err
	}
	common := slices.Concat(fitFlags, []string{"-I.", "-I..", "-fmax-errors=0", "-fno-diagnostics-show-caret"}, torchIncludes(t))
	if strings.Contains(c.Version, "clang") {
		common = slices.Concat(fitFlags, []string{"-I.", "-I..", "-ferror-limit=0"}, torchIncludes(t))
	}
	check := slices.Concat(common, []string{"-fsyntax-only", "torch_api.cpp"})
	var lacks []string
	for {
		err := c.run(source, check...)
		if err == nil {
			break
		}
		var refused *compileError
		if !errors.As(err, &refused) {
			return nil, err
		}
		found, replaceErr := replaceMissing(source, refused.Output, t.Version)
		if replaceErr != nil {
			return nil, replaceErr
		}
		fresh := slices.DeleteFunc(found, func(name string) bool { return slices.Contains(lacks, name) })
		if len(fresh) == 0 {
			return nil, fmt.Errorf("gotch's C++ cannot be fitted to the libtorch %s in %s: %w", t.Version, t.Dir, err)
		}
		lacks = append(lacks, fresh...)
		check = slices.Concat(common, []string{"-c", "torch_api.cpp", "-o", "torch_api.o"}) // it should do now
	}
	if _, err := os.Stat(filepath.Join(source, "torch_api.o")); err != nil { // nothing was lacking
		if err := c.run(source, slices.Concat(common, []string{"-c", "torch_api.cpp", "-o", "torch_api.o"})...); err != nil {
			return nil, err
		}
	}
	link := slices.Concat([]string{"-shared", "-o", "../" + fitLibrary(), "torch_api.o"}, torchLinks(t))
	if err := c.run(source, link...); err != nil {
		return nil, fmt.Errorf("link gotch to the libtorch in %s: %w", t.Dir, err)
	}
	slices.Sort(lacks)
	return lacks, os.Remove(filepath.Join(source, "torch_api.o"))
}

// moveSources moves the C++ files, which cgo would compile, to a folder of their own.
func moveSources(from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, pattern := range []string{"*.cpp", "*.cpp.h", "stb_*.h"} {
		files, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.Rename(f, filepath.Join(to, filepath.Base(f))); err != nil {
				return err
			}
		}
	}
	main := filepath.Join(to, "torch_api.cpp")
	text, err := os.ReadFile(main)
	if err != nil {
		return err
	}
	return os.WriteFile(main, append(text, extraSource...), 0o644)
}
