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

// compiler is the C++ compiler for everything that setup builds.
type compiler struct {
	Path    string
	Version string // first line of --version
}

// findCompiler returns the compiler of CXX, or else g++, or else clang++.
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
			return compiler{}, fmt.Errorf("%s --version: %w; set CXX to a working C++20 compiler", path, err)
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

// findC checks that the C compiler of cgo exists; go builds no package with C code without one.
func findC() error {
	name := os.Getenv("CC")
	if name == "" {
		name = "gcc"
		if runtime.GOOS == "darwin" {
			name = "clang"
		}
	}
	program, _, _ := strings.Cut(name, " ") // CC may contain flags
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("no C compiler for cgo: %s is not on PATH; install one%s, or set CC", program, aptHint("gcc"))
	}
	return nil
}

// aptHint returns the command that installs a package, in parentheses, or "" without apt-get.
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

// id identifies what the compiled code depends on: the compiler and, because machines may share a
// home folder, the features of the processor.
func (c compiler) id() string {
	return key(c.Version, runtime.GOOS, runtime.GOARCH, strings.Join(processorFlags(), " "))
}

// jobs limits the number of concurrent compilers to the number of processors.
var jobs = make(chan struct{}, runtime.NumCPU())

// compileError is a failed compilation with everything that the compiler printed.
type compileError struct {
	Command, Output string
	Err             error
}

func (e *compileError) Error() string {
	return fmt.Sprintf("%v\n%s\noutput:\n%s", e.Err, e.Command, firstLines(e.Output, 40))
}

func (e *compileError) Unwrap() error { return e.Err }

// run runs the compiler in dir.
func (c compiler) run(dir string, args ...string) error {
	jobs <- struct{}{}
	defer func() { <-jobs }()
	cmd := exec.Command(c.Path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C") // stubRejected parses the messages
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

// firstLines returns the first n lines of a program's output, indented. The first of many errors is
// usually the cause.
func firstLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[:min(n, len(lines))], "\n  ")
}

// torchIncludes are the compiler arguments for libtorch's headers.
func torchIncludes(t libtorch) []string {
	return []string{"-isystem", t.include(), "-isystem", t.include() + "/torch/csrc/api/include"}
}

// torchLinks are the arguments that link a shared library to libtorch and record its folder as the
// run-time search path. --disable-new-dtags selects DT_RPATH, which also applies to the
// dependencies of libtorch's own libraries.
func torchLinks(t libtorch) []string {
	args := []string{"-L" + t.lib(), "-Wl,-rpath," + t.lib(), "-ltorch_cpu", "-lc10"}
	if runtime.GOOS == "linux" {
		args = append([]string{"-Wl,--disable-new-dtags"}, args...)
	}
	if t.CUDA { // no symbol refers to them; loading them registers CUDA
		args = append(args, "-Wl,--no-as-needed", "-ltorch_cuda", "-lc10_cuda", "-Wl,--as-needed")
	}
	return args
}
