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

// gotchFlags are the compiler flags for gotch's C++. It is a thin layer over libtorch: -O3 makes it
// no faster than -O1 and takes twice the time to compile.
var gotchFlags = []string{"-std=c++20", "-O1", "-fPIC", "-w"}

// extraSource is appended to gotch's C++ so that the probe can query the instruction set of
// libtorch.
const extraSource = `
#include <ATen/Version.h>
extern "C" const char *depthwise_cpu_capability() {
  static std::string capability = at::get_cpu_capability();
  return capability.c_str();
}
`

// probeSource is a program that loads the built library and prints the instruction set that
// libtorch selects.
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

// compileGotch compiles the C++ of the copy in dir to the shared library and the probe. It returns
// the functions that this libtorch does not have.
func compileGotch(c compiler, t libtorch, dir string) ([]string, error) {
	libtch := filepath.Join(dir, "libtch")
	source := filepath.Join(libtch, "cpp") // a folder without Go files, which cgo ignores
	if err := moveSources(libtch, source); err != nil {
		return nil, err
	}
	flags := slices.Concat(gotchFlags, allErrors(c), []string{"-I.", "-I.."}, torchIncludes(t))
	missing, err := compileWithStubs(c, source, t.Version, flags)
	if err != nil {
		return nil, fmt.Errorf("gotch's C++ cannot be adapted to the libtorch %s in %s: %w", t.Version, t.Dir, err)
	}
	object := filepath.Join(source, "torch_api.o")
	link := slices.Concat([]string{"-shared", "-o", gotchLibrary(), object}, torchLinks(t))
	if err := c.run(libtch, link...); err != nil {
		return nil, fmt.Errorf("link gotch to the libtorch in %s: %w", t.Dir, err)
	}
	if err := os.Remove(object); err != nil {
		return nil, err
	}
	return missing, buildProbe(c, libtch)
}

// allErrors are the flags that make a compiler report every error on a line of its own.
func allErrors(c compiler) []string {
	if strings.Contains(c.Version, "clang") {
		return []string{"-ferror-limit=0", "-fno-caret-diagnostics"}
	}
	return []string{"-fmax-errors=0", "-fno-diagnostics-show-caret"}
}

// compileWithStubs compiles torch_api.cpp in dir to torch_api.o. It replaces functions that the
// compiler rejects by stubs that throw, and compiles again. Compilers stop before code generation
// on errors, so a rejection costs seconds.
func compileWithStubs(c compiler, dir, version string, flags []string) (missing []string, err error) {
	for {
		err := c.run(dir, slices.Concat(flags, []string{"-c", "torch_api.cpp", "-o", "torch_api.o"})...)
		if err == nil {
			slices.Sort(missing)
			return missing, nil
		}
		var failure *compileError
		if !errors.As(err, &failure) {
			return nil, err
		}
		found, stubErr := stubRejected(dir, failure.Output, version)
		if stubErr != nil {
			return nil, stubErr
		}
		added := slices.DeleteFunc(found, func(name string) bool { return slices.Contains(missing, name) })
		if len(added) == 0 { // the errors are not in functions of gotch
			return nil, err
		}
		missing = append(missing, added...)
	}
}

// buildProbe compiles the probe beside the library and runs it to verify that the library loads.
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

// probe loads the built library and returns the instruction set that libtorch selects on this
// processor.
func probe(libtch string) (string, error) {
	library := filepath.Join(libtch, gotchLibrary())
	out, err := exec.Command(filepath.Join(libtch, "probe"), library).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s does not load: %w: %s", library, err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// moveSources moves the C++ files to a separate folder, because cgo would compile them.
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
