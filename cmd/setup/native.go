package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// nativeFlags are the compiler flags for autograd/native. It has threads of its own; of OpenMP it
// uses only the vectorization of loops. Include paths are relative to the folder: "isa/simd.h".
var nativeFlags = []string{"-std=c++20", "-O3", "-fPIC", "-Wall", "-pthread", "-fopenmp-simd", "-I."}

// nativeSource is a C++ file of autograd/native with the inputs of its object file.
type nativeSource struct {
	Name  string   // relative to autograd/native: "isa/avx2.cc"
	Flags []string // in addition to nativeFlags: those of its instruction set
	Key   string   // hash of its text, the included headers, the compiler and the flags
}

func (s *setup) nativeDir() string { return filepath.Join(s.repo, "autograd", "native") }

// buildNative builds libdepthwise.so from the C++ files in autograd/native and returns its folder;
// "" if there are no files.
func (s *setup) buildNative(c compiler, t libtorch) (string, error) {
	sources, err := s.nativeSources(c, t)
	if err != nil || len(sources) == 0 {
		return "", err
	}
	return s.cachedFolder(nativeName(sources), func(dir string) ([]string, []string, error) {
		start := time.Now()
		objects, err := s.compileNative(c, t, sources)
		if err != nil {
			return nil, nil, err
		}
		link := slices.Concat([]string{"-shared", "-o", filepath.Join(dir, nativeLibrary())}, objects, torchLinks(t))
		if err := c.run(s.nativeDir(), link...); err != nil {
			return nil, nil, fmt.Errorf("link autograd/native: %w", err)
		}
		s.logf("compiling autograd/native: done in %.0f s", time.Since(start).Seconds())
		return nil, []string{nativeLibrary()}, nil
	})
}

// nativeLibrary is the file name of the compiled C++ of autograd/native.
func nativeLibrary() string { return "libdepthwise" + sharedSuffix() }

// nativeName returns the name of the cache folder of the library built from these sources.
func nativeName(sources []nativeSource) string {
	var keys []string
	for _, src := range sources {
		keys = append(keys, src.Name, src.Key)
	}
	return "native-" + key(keys...)
}

// compileNative compiles the changed sources. The cache keeps object files by the key of their
// source.
func (s *setup) compileNative(c compiler, t libtorch, sources []nativeSource) ([]string, error) {
	headers, err := s.cudaHeaders(t)
	if err != nil {
		return nil, err
	}
	gloo := sync.OnceValues(func() ([]string, error) { return glooFlags(t) }) // reads all of libtorch
	folder := filepath.Join(s.cache, "objects")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, cacheError(folder, err)
	}
	objects := make([]string, len(sources))
	failed := make([]error, len(sources))
	var wg sync.WaitGroup
	for i, src := range sources {
		objects[i] = filepath.Join(folder, src.Key+".o")
		if _, err := os.Stat(objects[i]); err == nil {
			continue
		}
		wg.Go(func() {
			s.logf("compiling autograd/native/%s", src.Name)
			temp := filepath.Join(s.cache, tempPrefix+src.Key+".o")
			flags := cudaFlags(src.Name, headers)
			if strings.HasPrefix(filepath.ToSlash(src.Name), "distributed/") {
				more, err := gloo()
				if err != nil {
					failed[i] = err
					return
				}
				flags = append(flags, more...)
			}
			if err := s.compileSource(c, t, src, flags, temp); err != nil {
				failed[i] = fmt.Errorf("compile autograd/native/%s: %w", src.Name, err)
				return
			}
			failed[i] = os.Rename(temp, objects[i])
		})
	}
	wg.Wait()
	return objects, errors.Join(failed...)
}

// compileSource compiles one file. If the compiler does not support the file's instruction set, it
// compiles the file without the flags; the file then reports at run time that it has no kernels. libraries are the flags for what
// libtorch includes.
func (s *setup) compileSource(c compiler, t libtorch, src nativeSource, libraries []string, object string) error {
	compile := func(flags []string) error {
		return c.run(s.nativeDir(), slices.Concat(nativeFlags, flags, libraries, torchIncludes(t), []string{"-c", src.Name, "-o", object})...)
	}
	err := compile(src.Flags)
	var failure *compileError
	if len(src.Flags) == 0 || !errors.As(err, &failure) || !unknownISA.MatchString(failure.Output) {
		return err
	}
	s.logf("compiling autograd/native/%s without its instruction set: %s does not support %s", src.Name, c.Version, strings.Join(src.Flags, " "))
	return compile(nil)
}

// unknownISA matches the errors of GCC and clang for an unknown flag, and of assemblers for an
// unknown instruction.
var unknownISA = regexp.MustCompile(`unrecognized command-line option|bad value .* for .-march|unknown argument|` +
	`unsupported (option|argument)|unknown target CPU|no such instruction`)

// nativeSources lists the C++ files of autograd/native with their keys.
func (s *setup) nativeSources(c compiler, t libtorch) ([]nativeSource, error) {
	return listSources(s.nativeDir(), key(strings.Join(nativeFlags, " "), c.id(), t.ID))
}

// listSources lists the C++ files of a folder and its subfolders; none if the folder does not
// exist. Every key includes common.
func listSources(dir, common string) ([]nativeSource, error) {
	var sources []nativeSource
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); e.IsDir() || ext != ".cc" && ext != ".cpp" || strings.HasSuffix(path, "_test"+ext) {
			return nil // tests of the kernels are separate programs
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, texts, err := withIncludes(dir, name, nil, nil)
		if err != nil {
			return err
		}
		if name == filepath.Base(name) && !ignoredByGo.MatchString(texts[1]) {
			return fmt.Errorf("%s must start with the line //go:build ignore, otherwise cgo compiles it too, without the headers of libtorch; "+
				"or move it to a folder without Go files", path)
		}
		sources = append(sources, nativeSource{Name: name, Flags: isaFlags(texts[1], runtime.GOARCH), Key: key(append(texts, common)...)})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return sources, err
}

// ignoredByGo matches a source that cgo ignores. cgo compiles the C++ files in the folder of a
// package unless a build constraint excludes them. It does not see folders without Go files.
var ignoredByGo = regexp.MustCompile(`^(//.*\n|\s)*//go:build ignore\n`)

// flagsLine is the comment with which a source selects an instruction set: "// compile for amd64
// with: -mavx2 -mfma".
var flagsLine = regexp.MustCompile(`(?m)^// compile for (\w+) with: (.+)$`)

// isaFlags returns the flags that a source selects on an architecture. They are part of its text
// and thereby of its key.
func isaFlags(text, arch string) []string {
	for _, m := range flagsLine.FindAllStringSubmatch(text, -1) {
		if m[1] == arch {
			return strings.Fields(m[2])
		}
	}
	return nil
}

var quotedInclude = regexp.MustCompile(`(?m)^\s*#\s*include\s+"([^"]+)"`)

// withIncludes appends the name and text of a file and, recursively, of the files of the folder
// that it includes.
func withIncludes(dir, name string, seen, texts []string) (newSeen, newTexts []string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return seen, texts, err
	}
	seen, texts = append(seen, name), append(texts, name, string(text))
	for _, m := range quotedInclude.FindAllStringSubmatch(string(text), -1) {
		header, found := resolveInclude(dir, name, m[1])
		if !found || slices.Contains(seen, header) {
			continue
		}
		if seen, texts, err = withIncludes(dir, header, seen, texts); err != nil {
			return seen, texts, err
		}
	}
	return seen, texts, nil
}

// resolveInclude resolves a quoted include as the compiler does: relative to the including file, or
// else to dir. Headers of libtorch and the compiler are not found.
func resolveInclude(dir, from, include string) (name string, found bool) {
	for _, name := range []string{filepath.Join(filepath.Dir(from), include), filepath.Clean(include)} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return name, true
		}
	}
	return "", false
}
