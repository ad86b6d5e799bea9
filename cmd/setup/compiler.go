package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// compiler is the C++ compiler that everything is built with.
type compiler struct {
	Path    string
	Version string // first line of --version
}

// findCompiler takes CXX, else g++, else clang++.
func findCompiler() (compiler, error) {
	names := []string{"g++", "clang++"}
	if name := os.Getenv("CXX"); name != "" {
		names = []string{name}
	}
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return compiler{}, fmt.Errorf("%s --version: %w; set CXX to a C++20 compiler that works", path, err)
		}
		if err := findC(); err != nil {
			return compiler{}, err
		}
		line, _, _ := strings.Cut(string(out), "\n")
		return compiler{Path: path, Version: strings.TrimSpace(line)}, nil
	}
	return compiler{}, fmt.Errorf("no C++ compiler: %s is not on PATH; install one%s, or set CXX",
		strings.Join(names, " or "), aptHint("g++"))
}

// findC looks for the C compiler that cgo uses: go builds nothing that has C in it without one.
func findC() error {
	name := os.Getenv("CC")
	if name == "" {
		name = "gcc"
		if runtime.GOOS == "darwin" {
			name = "clang"
		}
	}
	program, _, _ := strings.Cut(name, " ") // CC may hold flags
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("no C compiler for cgo: %s is not on PATH; install one%s, or set CC", program, aptHint("gcc"))
	}
	return nil
}

// aptHint is the command that installs a package, where that is known.
func aptHint(pkg string) string {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return ""
	}
	sudo := ""
	if os.Geteuid() != 0 {
		sudo = "sudo "
	}
	return " (" + sudo + "apt-get install " + pkg + ")"
}

// id is what the results depend on: the compiler, and the processor's features, because a home folder may be shared by
// different machines.
func (c compiler) id() string {
	return key(c.Version, runtime.GOOS, runtime.GOARCH, strings.Join(processorFlags(), " "))
}

// jobs keeps the number of compilers that run at once to the number of processors.
var jobs = make(chan struct{}, runtime.NumCPU())

// compileError is a compiler's refusal; Output is all it said.
type compileError struct {
	Command, Output string
	Err             error
}

func (e *compileError) Error() string {
	return fmt.Sprintf("%v\n%s\nsaid:\n%s", e.Err, e.Command, firstLines(e.Output, 40))
}

func (e *compileError) Unwrap() error { return e.Err }

// run starts the compiler in dir and waits for it.
func (c compiler) run(dir string, args ...string) error {
	jobs <- struct{}{}
	defer func() { <-jobs }()
	cmd := exec.Command(c.Path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C") // messages are read by missingFunctions
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	text := string(out)
	if strings.Contains(text, "No space left on device") {
		return fmt.Errorf("%s: %w", c.Path, syscall.ENOSPC)
	}
	if strings.Contains(text, "Killed signal") || strings.Contains(text, "out of memory") {
		err = errors.Join(err, errors.New("the compiler ran out of memory: it needs 2 GB"))
	}
	return &compileError{Command: strings.Join(cmd.Args, " "), Output: text, Err: err}
}

// firstLines keeps the start of a program's output: of many errors the first tells most.
func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[:min(n, len(lines))], "\n  ")
}

// torchIncludes are the arguments that make libtorch's headers available.
func torchIncludes(t libtorch) []string {
	return []string{"-isystem", t.include(), "-isystem", t.include() + "/torch/csrc/api/include"}
}

// torchLinks are the arguments that link a shared library to libtorch and let it find libtorch when it is loaded.
// DT_RPATH (that is what --disable-new-dtags asks for) serves the needs of libtorch's own libraries too.
func torchLinks(t libtorch) []string {
	args := []string{"-L" + t.lib(), "-Wl,-rpath," + t.lib(), "-ltorch_cpu", "-lc10"}
	if runtime.GOOS == "linux" {
		args = append([]string{"-Wl,--disable-new-dtags"}, args...)
	}
	if t.CUDA { // nothing refers to them: loading them is what registers CUDA
		args = append(args, "-Wl,--no-as-needed", "-ltorch_cuda", "-lc10_cuda", "-Wl,--as-needed")
	}
	return args
}
