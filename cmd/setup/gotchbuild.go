package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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

// probeSource is a program that loads the fitted library and prints libtorch's view of the processor.
const probeSource = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  const char *(*capability)() = library ? (const char *(*)())dlsym(library, "depthwise_cpu_capability") : NULL;
  puts(capability ? capability() : dlerror());
  return capability ? 0 : 1;
}
`

// compileGotch compiles the C++ of the copy in dir to its shared library and the probe. It returns the functions that this
// libtorch lacks.
func compileGotch(c compiler, t libtorch, dir string) ([]string, error) {
	libtch := filepath.Join(dir, "libtch")
	source := filepath.Join(libtch, "cpp") // no Go file there: cgo leaves it alone
	if err := moveSources(libtch, source); err != nil {
		return nil, err
	}
	flags := slices.Concat(fitFlags, allErrors(c), []string{"-I.", "-I.."}, torchIncludes(t))
	lacks, err := compileFitting(c, source, t.Version, flags)
	if err != nil {
		return nil, fmt.Errorf("gotch's C++ cannot be fitted to the libtorch %s in %s: %w", t.Version, t.Dir, err)
	}
	object := filepath.Join(source, "torch_api.o")
	link := slices.Concat([]string{"-shared", "-o", fitLibrary(), object}, torchLinks(t))
	if err := c.run(libtch, link...); err != nil {
		return nil, fmt.Errorf("link gotch to the libtorch in %s: %w", t.Dir, err)
	}
	if err := os.Remove(object); err != nil {
		return nil, err
	}
	return lacks, buildProbe(c, libtch)
}

// allErrors are the flags that make a compiler report every error, a line each.
func allErrors(c compiler) []string {
	if strings.Contains(c.Version, "clang") {
		return []string{"-ferror-limit=0", "-fno-caret-diagnostics"}
	}
	return []string{"-fmax-errors=0", "-fno-diagnostics-show-caret"}
}

// compileFitting compiles torch_api.cpp in dir to torch_api.o. Functions that the compiler rejects get a throwing body, and
// it tries again; a compiler stops before generating code when there are errors, so a rejection costs seconds.
func compileFitting(c compiler, dir, version string, flags []string) (lacks []string, err error) {
	for {
		err := c.run(dir, slices.Concat(flags, []string{"-c", "torch_api.cpp", "-o", "torch_api.o"})...)
		if err == nil {
			slices.Sort(lacks)
			return lacks, nil
		}
		var refused *compileError
		if !errors.As(err, &refused) {
			return nil, err
		}
		found, replaceErr := replaceMissing(dir, refused.Output, version)
		if replaceErr != nil {
			return nil, replaceErr
		}
		fresh := slices.DeleteFunc(found, func(name string) bool { return slices.Contains(lacks, name) })
		if len(fresh) == 0 { // not a matter of single functions
			return nil, err
		}
		lacks = append(lacks, fresh...)
	}
}

// buildProbe compiles the probe beside the library and runs it: what was built must load before anyone relies on it.
func buildProbe(c compiler, libtch string) error {
	source := filepath.Join(libtch, "cpp", "probe.cc")
	if err := os.WriteFile(source, []byte(probeSource), 0o644); err != nil {
		return err
	}
	if err := c.run(libtch, source, "-o", "probe", "-ldl"); err != nil {
		return err
	}
	_, err := probe(libtch)
	return err
}

// probe loads the fitted library and returns the instruction set that libtorch picks on this processor.
func probe(libtch string) (string, error) {
	library := filepath.Join(libtch, fitLibrary())
	out, err := exec.Command(filepath.Join(libtch, "probe"), library).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not load: %w: %s", library, err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
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
