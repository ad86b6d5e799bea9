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

// gotchFolder returns the name of the cache folder of gotch adapted to a libtorch.
func gotchFolder(c compiler, t libtorch) string {
	return "gotch-" + key(gotchVersion, repairsID(), strings.Join(gotchFlags, " "), extraSource, probeSource, goLinks("", t), c.id(), t.ID)
}

// buildGotch creates a copy of gotch adapted to the libtorch: it repairs the sources, compiles the
// C++ once to libtch.so and links the Go package to it.
func (s *setup) buildGotch(c compiler, t libtorch) (string, error) {
	name := gotchFolder(c, t)
	return s.cachedFolder(name, func(dir string) ([]string, []string, error) {
		start := time.Now()
		s.logf("adapting gotch %s to libtorch %s (about a minute)", gotchVersion, t.Version)
		if err := s.copyGotch(dir); err != nil {
			return nil, nil, err
		}
		if err := applyRepairs(dir, repairs); err != nil {
			return nil, nil, err
		}
		missing, err := compileGotch(c, t, dir)
		if err != nil {
			return nil, nil, err
		}
		links := goLinks(filepath.Join(s.cache, name), t)
		if err := os.WriteFile(filepath.Join(dir, "libtch", "lib.go"), []byte(links), 0o644); err != nil {
			return nil, nil, err
		}
		s.logf("adapting gotch: done in %.0f s; libtorch %s lacks %d of its functions", time.Since(start).Seconds(), t.Version, len(missing))
		return missing, []string{"go.mod", "libtch/lib.go", "libtch/" + gotchLibrary(), "libtch/probe", "ts/tensor.go"}, nil
	})
}

// gotchLibrary is the file name of gotch's compiled C++.
func gotchLibrary() string { return "libtch" + sharedSuffix() }

// goLinks returns the replacement of gotch's lib.go. The original selects the C++ ABI used before
// GCC 5 and links CUDA unconditionally, and with it cgo compiles gotch's C++ again for the first
// build of every program.
func goLinks(dir string, t libtorch) string {
	folder := filepath.Join(dir, "libtch")
	return fmt.Sprintf(`package libtch

// Written by depthwise.dev/cmd/setup for libtorch %s.

// #cgo CFLAGS: -I${SRCDIR} -O2 -Wno-deprecated-declarations
// #cgo LDFLAGS: %s
import "C"
`, t.Version, cgoLinks(folder, "tch", t))
}

// cgoLinks returns the LDFLAGS that link a Go package to a library built by setup.
func cgoLinks(folder, name string, t libtorch) string {
	flags := []string{"-L" + folder, "-l" + name, "-Wl,-rpath," + folder, "-Wl,-rpath," + t.lib()}
	if runtime.GOOS == "linux" { // libtorch's own dependencies are resolved at run time
		flags = append(flags, "-Wl,--allow-shlib-undefined")
	}
	for i, f := range flags {
		flags[i] = quotedFlag(f)
	}
	return strings.Join(flags, " ")
}

// quotedFlag quotes a flag of a #cgo line if it contains spaces.
func quotedFlag(flag string) string {
	if strings.ContainsAny(flag, " \t") {
		return `"` + flag + `"`
	}
	return flag
}

// copyGotch copies gotch to dir without its examples and code generator.
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
		return os.WriteFile(to, text, 0o644) // writable, unlike the module cache
	})
}

// gotchSource downloads the original module with go, which verifies it against go.sum, and returns
// its folder.
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
