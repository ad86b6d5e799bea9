package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// modulePath is the path of the module that this command prepares.
const modulePath = "depthwise.dev"

// setup is one run of the command.
type setup struct {
	repo      string     // root of the repository: the folder of go.mod
	goVersion string     // the go line of go.mod
	cache     string     // "depthwise" in the user's cache folder: everything that setup builds
	out       io.Writer  // of progress
	terminal  bool       // out is a terminal: bars instead of lines
	cuda      bool       // download libtorch with CUDA
	mu        sync.Mutex // guards out
}

func newSetup(out io.Writer) (*setup, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("working folder: %w", err)
	}
	repo, err := findRepo(wd)
	if err != nil {
		return nil, err
	}
	version, err := goVersion(filepath.Join(repo, "go.mod"))
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("no cache folder: %w; set XDG_CACHE_HOME to a folder with 2 GB free", err)
	}
	s := &setup{repo: repo, goVersion: version, cache: filepath.Join(cache, "depthwise"), out: out}
	s.cuda = s.choseCUDA()
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s, nil
}

// findRepo returns dir or its nearest parent with the go.mod of this module.
func findRepo(dir string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		text, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+modulePath+"\n") {
			return d, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is not inside the %s repository; change into it and run: go run ./cmd/setup", dir, modulePath)
		}
	}
}

// logf prints a line of progress.
func (s *setup) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "setup: "+format+"\n", args...)
}

// parts are the components of an installation. After a failure the remaining ones are empty.
type parts struct {
	compiler compiler
	jpeg     libjpeg
	torch    libtorch
	gotch    string // folder of the adapted gotch module
	native   string // folder of libdepthwise.so; also empty if autograd/native has no C++
}

// install builds the missing components and writes the files that connect them to the module.
func (s *setup) install() (p parts, err error) {
	env, err := s.checkMachine()
	if err != nil {
		return p, err
	}
	unlock, err := s.lock()
	if err != nil {
		return p, err
	}
	defer unlock()
	if err := checkWorkFile(filepath.Join(s.repo, "go.work")); err != nil {
		return p, err
	}
	p, buildErr := s.build(env)
	var changed bool
	for _, f := range s.generated(p) {
		wrote, err := f.write(s.repo)
		if err != nil {
			return p, err
		}
		changed = changed || wrote
	}
	if buildErr == nil && changed {
		if err := s.trialBuild(nativePackages); err != nil {
			return p, err
		}
		s.logf("ready: libtorch %s, %s, in %s", p.torch.Version, p.torch.Source, p.torch.Dir)
	}
	return p, buildErr
}

// checkMachine returns the settings of go, or an error if nothing can be built with them, with the
// cache or in the folder of the repository. A warning goes to the log.
func (s *setup) checkMachine() (goEnv, error) {
	env, err := readGoEnv(s.repo)
	if err != nil {
		return nil, err
	}
	f := s.cacheFinding()
	if f.Warning != "" {
		s.logf("warning: %s", f.Warning)
	}
	return env, errors.Join(env.check(s.repo), f.Err)
}

// build creates the components. Requirements that are cheap to check come first: a missing compiler
// is reported before the download of half a gigabyte.
func (s *setup) build(env goEnv) (p parts, err error) {
	if p.compiler, err = env.findCompiler(); err != nil {
		return p, err
	}
	if p.jpeg, err = s.libjpeg(p.compiler); err != nil {
		return p, err
	}
	if p.torch, err = s.libtorch(); err != nil {
		return p, err
	}
	var wg sync.WaitGroup
	var gotchErr, nativeErr error
	wg.Go(func() { p.gotch, gotchErr = s.buildGotch(p.compiler, p.torch) })
	wg.Go(func() { p.native, nativeErr = s.buildNative(p.compiler, p.torch) })
	wg.Wait()
	if readOnly(gotchErr) && readOnly(nativeErr) { // the same error
		return p, gotchErr
	}
	return p, errors.Join(gotchErr, nativeErr)
}
