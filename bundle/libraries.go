package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// glibc lists the libraries that belong to the C library and its loader. They come from the machine that runs the program:
// they fit its kernel and each other, and newer versions run programs linked with older ones.
var glibc = []string{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1"}

// cuda lists libraries of which libtorch opens more at run time than the program is linked with.
var cuda = []string{"libtorch_cuda.so", "libtorch_hip.so"}

// ErrGPU is returned for a program that is linked with a GPU's libraries: they open others at run time, which cannot be
// listed.
var ErrGPU = errors.New("the program is linked with the libraries of a GPU, which a bundle cannot hold; " +
	"build it with the libtorch for CPUs (unset LIBTORCH and LIBTORCH_USE_PYTORCH, run go run ./cmd/setup --cuda=false, then make build), " +
	"or set up the other machine with --cuda")

// library is a shared library that the dynamic loader found.
type library struct {
	name string // in the program or library that needs it
	path string
}

// libraries returns the libraries that a program needs, directly or not, without those of glibc, in the order of their names.
// It asks the dynamic loader, as ldd does: ld.so(8), LD_TRACE_LOADED_OBJECTS. A static program would run.
func libraries(program string) ([]library, error) {
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "LD_TRACE_LOADED_OBJECTS=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("bundle: the libraries of %s: %w: %s", program, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return parseLibraries(string(out))
}

// parseLibraries reads the loader's lines: "NAME => PATH (ADDRESS)". Lines without an arrow are the loader itself and the
// kernel's page.
func parseLibraries(text string) ([]library, error) {
	var list []library
	for line := range strings.Lines(text) {
		name, path, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			continue
		}
		if end := strings.LastIndex(path, " (0x"); end >= 0 {
			path = path[:end]
		}
		switch {
		case slices.Contains(glibc, name):
		case slices.Contains(cuda, name):
			return nil, fmt.Errorf("bundle: %s: %w", name, ErrGPU)
		case !filepath.IsAbs(path): // "not found"
			return nil, fmt.Errorf("bundle: the program needs %s: %s", name, path)
		default:
			list = append(list, library{filepath.Base(name), path})
		}
	}
	slices.SortFunc(list, func(a, b library) int { return strings.Compare(a.name, b.name) })
	return list, nil
}
