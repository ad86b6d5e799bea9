package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Environment is a Python environment with the packages of a requirements file. It is created once in the cache folder, under
// a name that follows from the file and Python's version, and used by later runs.
type Environment struct {
	Cache        string    // folder of the environments
	Requirements string    // path of a requirements.txt with hashes
	BasePython   string    // the Python that creates it, such as python3
	Log          io.Writer // gets a line per step and package
	Size         string    // that is announced, such as "3.5 GB, needs 8 GB"
}

// ErrPython is returned when there is no suitable Python.
var ErrPython = errors.New("needs Python 3.11, 3.12 or 3.13 with the modules venv and pip; install it " +
	"(apt-get install python3 python3-venv) and put it on PATH as python3")

// pythonVersion prints the version as 3.11 and fails without venv.
const pythonVersion = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"

// supported are the versions of Python that every requirement has a wheel for.
var supported = []string{"3.11", "3.12", "3.13"}

// completeFile marks an environment whose packages are all there.
const completeFile = "complete"

// Python returns the environment's interpreter, and creates the environment if necessary: several GB of downloads. Another
// process that creates it is waited for; what a killed one left is removed.
func (e Environment) Python(ctx context.Context) (string, error) {
	dir, err := e.dir(ctx)
	if err != nil {
		return "", err
	}
	python := filepath.Join(dir, "bin", "python")
	unlock, err := e.lock(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, completeFile)); err == nil {
		return python, nil
	}
	if err := e.create(ctx, dir, python); err != nil {
		return "", fmt.Errorf("interop: %s: %w", dir, err)
	}
	return python, nil
}

// dir is the environment's folder.
func (e Environment) dir(ctx context.Context) (string, error) {
	requirements, err := os.ReadFile(e.Requirements)
	if err != nil {
		return "", fmt.Errorf("interop: %w", err)
	}
	version, err := exec.CommandContext(ctx, e.BasePython, "-c", pythonVersion).Output()
	text := strings.TrimSpace(string(version))
	if err != nil {
		return "", fmt.Errorf("interop: %s: %w: %w", e.BasePython, err, ErrPython)
	}
	for _, v := range supported {
		if text == v {
			sum := sha256.Sum256(append(requirements, text...))
			return filepath.Join(e.Cache, "interop-"+hex.EncodeToString(sum[:6])), nil
		}
	}
	return "", fmt.Errorf("interop: %s is Python %s: %w", e.BasePython, text, ErrPython)
}

// create makes the environment from nothing.
func (e Environment) create(ctx context.Context, dir, python string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	e.logf("creating the Python environment %s: downloads %s", dir, e.Size)
	e.nameOthers(dir)
	if err := e.run(ctx, e.BasePython, "-m", "venv", dir); err != nil {
		return err
	}
	// The environment itself is the cache, so pip needs none.
	if err := e.run(ctx, python, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar", "off",
		"--require-hashes", "-r", e.Requirements); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, completeFile), nil, 0o644)
}

// nameOthers names environments of other requirements, which are large. They may be in use by another checkout.
func (e Environment) nameOthers(dir string) {
	found, _ := filepath.Glob(filepath.Join(e.Cache, "interop-*")) // the pattern is valid
	for _, other := range found {
		if info, err := os.Stat(other); err == nil && info.IsDir() && other != dir {
			e.logf("%s is of other versions: remove it if no checkout uses it", other)
		}
	}
}

// run runs a command and logs what it downloads. The error has the end of its output.
func (e Environment) run(ctx context.Context, name string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, name, arguments...)
	ownGroup(cmd)
	var tail tail
	cmd.Stdout = io.MultiWriter(&tail, &pipLines{log: e.Log})
	cmd.Stderr = &tail
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(arguments, " "), err, tail.String())
	}
	return nil
}

func (e Environment) logf(format string, arguments ...any) {
	fmt.Fprintf(e.Log, "interop: "+format+"\n", arguments...)
}

// lock takes an flock, which the kernel releases when the process ends, and waits for it.
func (e Environment) lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(e.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("interop: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		e.logf("another process prepares the Python environment; waiting for it")
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("interop: lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// pipLines passes on the lines of pip's output that show progress.
type pipLines struct {
	log  io.Writer
	line []byte
}

func (p *pipLines) Write(b []byte) (int, error) {
	p.line = append(p.line, b...)
	for {
		line, rest, ok := bytes.Cut(p.line, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		p.line = rest
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "Downloading ") || strings.HasPrefix(text, "Installing ") {
			if len(text) > 120 {
				text = text[:120]
			}
			fmt.Fprintf(p.log, "interop: pip: %s\n", text)
		}
	}
}
