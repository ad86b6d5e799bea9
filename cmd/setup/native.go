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

// nativeFlags compile autograd/native. OpenMP code is compiled here and linked to the libgomp that libtorch brings:
// two OpenMP runtimes in one process would fight over the processors.
// Includes name headers from the folder itself, as "isa/simd.h".
var nativeFlags = []string{"-std=c++20", "-O3", "-fPIC", "-Wall", "-fopenmp", "-I."}

// nativeSource is one file of autograd/native and what its object file depends on.
type nativeSource struct {
	Name  string   // relative to autograd/native: "isa/avx2.cc"
	Flags []string // its own, beside nativeFlags: those of its instruction set
	Key   string   // over its text, the texts of the headers it includes, the compiler and its flags
}

func (s *setup) nativeDir() string { return filepath.Join(s.repo, "autograd", "native") }

// buildNative builds libdepthwise.so from the C++ files in autograd/native. It returns "" when there are none.
func (s *setup) buildNative(c compiler, t libtorch) (string, error) {
	sources, err := s.nativeSources(c, t)
	if err != nil || len(sources) == 0 {
		return "", err
	}
	return s.finished(nativeName(sources), func(dir string) ([]string, []string, error) {
		start := time.Now()
		objects, err := s.compileNative(c, t, sources)
		if err != nil {
			return nil, nil, err
		}
		link := slices.Concat([]string{"-shared", "-o", filepath.Join(dir, nativeLibrary())}, objects, torchLinks(t), openMP(t))
		if err := c.run(s.nativeDir(), link...); err != nil {
			return nil, nil, fmt.Errorf("link autograd/native: %w", err)
		}
		s.say("compiling autograd/native: done in %.0f s", time.Since(start).Seconds())
		return nil, []string{nativeLibrary()}, nil
	})
}

// nativeLibrary is the file of our compiled C++.
func nativeLibrary() string { return "libdepthwise" + sharedSuffix() }

// nativeName names the cache's folder for the library made of these sources.
func nativeName(sources []nativeSource) string {
	var keys []string
	for _, src := range sources {
		keys = append(keys, src.Name, src.Key)
	}
	return "native-" + key(keys...)
}

// openMP names the OpenMP runtime that libtorch brings, else the compiler's.
func openMP(t libtorch) []string {
	if runtime.GOOS == "darwin" {
		return []string{"-lomp"}
	}
	if found, _ := filepath.Glob(filepath.Join(t.lib(), "libgomp*.so*")); len(found) > 0 {
		return []string{"-Wl,--as-needed", found[0]}
	}
	return []string{"-Wl,--as-needed", "-lgomp"}
}

// compileNative compiles what has changed; object files are kept in the cache under the key of their source.
func (s *setup) compileNative(c compiler, t libtorch, sources []nativeSource) ([]string, error) {
	folder := filepath.Join(s.cache, "objects")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, cacheError(s.cache, err)
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
			s.say("compiling autograd/native/%s", src.Name)
			temp := filepath.Join(s.cache, tempPrefix+src.Key+".o")
			if err := s.compileSource(c, t, src, temp); err != nil {
				failed[i] = fmt.Errorf("compile autograd/native/%s: %w", src.Name, err)
				return
			}
			failed[i] = os.Rename(temp, objects[i])
		})
	}
	wg.Wait()
	return objects, errors.Join(failed...)
}

// compileSource compiles one file. Where the compiler does not know the instruction set that the file asks for, it is compiled
// without: such a file then says at run time that it has nothing.
func (s *setup) compileSource(c compiler, t libtorch, src nativeSource, object string) error {
	compile := func(flags []string) error {
		return c.run(s.nativeDir(), slices.Concat(nativeFlags, flags, torchIncludes(t), []string{"-c", src.Name, "-o", object})...)
	}
	err := compile(src.Flags)
	var refused *compileError
	if len(src.Flags) == 0 || !errors.As(err, &refused) || !unknownInstructions.MatchString(refused.Output) {
		return err
	}
	s.say("compiling autograd/native/%s without its instructions: %s does not know %s", src.Name, c.Version, strings.Join(src.Flags, " "))
	return compile(nil)
}

// unknownInstructions is what GCC and clang say of a flag that they do not know, and assemblers of an instruction.
var unknownInstructions = regexp.MustCompile(`unrecognized command-line option|bad value .* for .-march|unknown argument|` +
	`unsupported (option|argument)|unknown target CPU|no such instruction`)

// nativeSources lists the C++ files of autograd/native with their keys.
func (s *setup) nativeSources(c compiler, t libtorch) ([]nativeSource, error) {
	return sourcesIn(s.nativeDir(), key(strings.Join(nativeFlags, " "), c.id(), t.ID))
}

// sourcesIn lists the C++ files of a folder and of the folders within it; none when there is no such folder. The keys cover what is
// common to all of them.
func sourcesIn(dir, common string) ([]nativeSource, error) {
	var sources []nativeSource
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); e.IsDir() || ext != ".cc" && ext != ".cpp" || strings.HasSuffix(path, "_test"+ext) {
			return nil // a test of the kernels is a program of its own
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, texts, err := withIncludes(dir, name, nil, nil)
		if err != nil {
			return err
		}
		if name == filepath.Base(name) && !hiddenFromGo.MatchString(texts[1]) {
			return fmt.Errorf("%s must start with the line //go:build ignore: without it go compiles the file too, and without libtorch's headers; "+
				"or move it into a folder without Go files", path)
		}
		sources = append(sources, nativeSource{Name: name, Flags: ownFlags(texts[1], runtime.GOARCH), Key: key(append(texts, common)...)})
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return sources, err
}

// hiddenFromGo matches a source that go ignores. Go compiles the C++ files of a package's own folder, and reads build constraints in
// them; C++ in folders without Go files it does not see.
var hiddenFromGo = regexp.MustCompile(`^(//.*\n|\s)*//go:build ignore\n`)

// flagsLine is how a source asks for an instruction set: "// compile for amd64 with: -mavx2 -mfma".
var flagsLine = regexp.MustCompile(`(?m)^// compile for (\w+) with: (.+)$`)

// ownFlags are the flags that a source asks for on an architecture. The text is part of the source's key, so they are too.
func ownFlags(text, arch string) []string {
	for _, m := range flagsLine.FindAllStringSubmatch(text, -1) {
		if m[1] == arch {
			return strings.Fields(m[2])
		}
	}
	return nil
}

var quotedInclude = regexp.MustCompile(`(?m)^\s*#\s*include\s+"([^"]+)"`)

// withIncludes appends the name and text of a file, and of every file of the folder that it includes, directly or not.
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

// resolveInclude finds a quoted include as the compiler does: beside the file that includes it, else from the folder itself. It is
// not found when it comes from elsewhere: from libtorch or the compiler.
func resolveInclude(dir, from, include string) (name string, found bool) {
	for _, name := range []string{filepath.Join(filepath.Dir(from), include), filepath.Clean(include)} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return name, true
		}
	}
	return "", false
}
