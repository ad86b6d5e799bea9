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

// fitName names the cache's folder for gotch fitted to a libtorch.
func fitName(c compiler, t libtorch) string {
	return "gotch-" + key(gotchVersion, repairsID(), strings.Join(fitFlags, " "), extraSource, probeSource, goLinks("", t), c.id(), t.ID)
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
		return lacks, []string{"go.mod", "libtch/lib.go", "libtch/" + fitLibrary(), "libtch/probe", "ts/tensor.go"}, nil
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
		flags[i] = quotedFlag(f)
	}
	return strings.Join(flags, " ")
}

// quotedFlag puts quotes around a flag of a #cgo line that needs them.
func quotedFlag(flag string) string {
	if strings.ContainsAny(flag, " \t") {
		return `"` + flag + `"`
	}
	return flag
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
