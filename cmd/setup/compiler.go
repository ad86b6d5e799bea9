package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// compiler is the C++ compiler for everything that setup builds.
type compiler struct {
	Path    string
	Args    []string // before all others: the compiler after a launcher such as ccache, flags of CXX
	Version string   // first line of --version
}

// String returns the command line without its arguments.
func (c compiler) String() string { return strings.Join(append([]string{c.Path}, c.Args...), " ") }

// findCompiler returns the compiler of CXX, or else g++, or else clang++.
func (e goEnv) findCompiler() (compiler, error) {
	if os.Getenv("CXX") != "" || e["CXX"] != "g++" && e["CXX"] != "clang++" {
		return e.findNamed("CXX")
	}
	for _, name := range []string{"g++", "clang++"} {
		if _, err := exec.LookPath(name); err == nil {
			return e.describe([]string{name})
		}
	}
	return compiler{}, fmt.Errorf("no C++ compiler: g++ or clang++ is not on PATH; install one%s, or set CXX", aptHint("g++"))
}

// findNamed returns the compiler that CXX names.
func (e goEnv) findNamed(setting string) (compiler, error) {
	command, err := e.command(setting)
	if err != nil {
		return compiler{}, err
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return compiler{}, fmt.Errorf("no C++ compiler: %s is not on PATH (%s is %q); install it, or set %s to another C++20 compiler",
			command[0], setting, e[setting], setting)
	}
	return e.describe(command)
}

// describe runs a compiler for its version, and checks that there is a C compiler, too.
func (e goEnv) describe(command []string) (compiler, error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return compiler{}, err
	}
	c := compiler{Path: path, Args: command[1:]}
	out, err := exec.Command(path, append(slices.Clone(c.Args), "--version")...).Output()
	if err != nil {
		return compiler{}, fmt.Errorf("%v --version: %w; set CXX to a working C++20 compiler", c, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	c.Version = strings.TrimSpace(line)
	return c, e.findC()
}

// findC checks that the C compiler of cgo exists; go builds no package with C code without one.
func (e goEnv) findC() error {
	command, err := e.command("CC")
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return fmt.Errorf("no C compiler for cgo: %s is not on PATH; install one%s, or set CC", command[0], aptHint("gcc"))
	}
	return nil
}

// command returns the program and arguments of CC or CXX. They may begin with a launcher
// ("ccache g++") and contain flags ("g++ -m64"). go refuses relative paths.
func (e goEnv) command(setting string) ([]string, error) {
	command, err := fields(e[setting])
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s is %q: %w; go needs it so that a path with spaces is one field: '/path of/g++' -m64", setting, e[setting], err)
	case len(command) == 0 || command[0] == "":
		return nil, fmt.Errorf("%s is %q, no command; run: %s", setting, e[setting], e.remove(setting))
	case !filepath.IsAbs(command[0]) && command[0] != filepath.Base(command[0]):
		return nil, fmt.Errorf("%s is the relative path %s, which go refuses; set %s to the absolute path", setting, command[0], setting)
	}
	if _, err := exec.LookPath(e[setting]); len(command) > 1 && filepath.IsAbs(e[setting]) && err == nil {
		return nil, fmt.Errorf("%s is the path %s with spaces, which go splits; set %s to the path in quotes: \"'%s'\"", setting, e[setting], setting, e[setting])
	}
	return command, nil
}

// checkCPP20 compiles a program. The error says whether the compiler works and knows C++20.
func (c compiler) checkCPP20() error {
	temp, err := os.MkdirTemp("", "depthwise-compiler-")
	if err != nil {
		return fmt.Errorf("%w; set TMPDIR to a folder that can be written", err)
	}
	defer os.RemoveAll(temp)
	const source = "#include <concepts>\n#include <vector>\nint main() { return std::same_as<int, int> ? 0 : 1; }\n"
	if err := os.WriteFile(filepath.Join(temp, "probe.cc"), []byte(source), 0o644); err != nil {
		return diskFullError(temp, err)
	}
	if err := c.run(temp, "-std=c++20", "probe.cc", "-o", "probe"); err != nil {
		return fmt.Errorf("%v (%s) does not compile a C++20 program; install a newer compiler%s, or set CXX to one: %w", c, c.Version, aptHint("g++"), err)
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
	parts := []string{c.Version, runtime.GOOS, runtime.GOARCH, strings.Join(processorFlags(), " ")}
	for _, arg := range c.Args {
		if strings.HasPrefix(arg, "-") { // a launcher changes no code
			parts = append(parts, arg)
		}
	}
	return key(parts...)
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
	cmd := exec.Command(c.Path, slices.Concat(c.Args, args)...)
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
