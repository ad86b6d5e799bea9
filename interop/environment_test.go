package interop

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePython stands for Python: -c prints the version in the file version, -m venv DIR copies it there, -m pip logs a line to the
// file pip, and fails if there is a file broken.
const fakePython = `#!/bin/sh
case "$1 $2" in
-c*) cat HERE/version ;;
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip") echo "  Downloading a.whl (2 MB)"; echo "Collecting b"; echo x >>HERE/pip
	if [ -e HERE/broken ]; then echo "No space left on device" >&2; exit 1; fi ;;
esac
`

// newEnvironment has a Python of version 3.11 and a requirements file.
func newEnvironment(t *testing.T) (e Environment, dir string, log *bytes.Buffer) {
	t.Helper()
	dir, log = t.TempDir(), new(bytes.Buffer)
	python := filepath.Join(dir, "python3")
	write(t, python, strings.ReplaceAll(fakePython, "HERE", dir))
	write(t, filepath.Join(dir, "version"), "3.11\n")
	write(t, filepath.Join(dir, "requirements.txt"), "a==1\n")
	return Environment{Cache: filepath.Join(dir, "cache"), Requirements: filepath.Join(dir, "requirements.txt"), BasePython: python, Log: log}, dir, log
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// installs counts the runs of pip.
func installs(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "pip"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "x")
}

// TestEnvironment: it is created once, and again for other requirements and another Python.
func TestEnvironment(t *testing.T) {
	e, dir, log := newEnvironment(t)
	for _, c := range []struct {
		what, file, text string
		installs         int
	}{
		{"first", "version", "3.11\n", 1},
		{"again", "version", "3.11\n", 1},
		{"other requirements", "requirements.txt", "a==2\n", 2},
		{"another Python", "version", "3.12\n", 3},
		{"the first requirements", "requirements.txt", "a==1\n", 4},
		{"the first Python", "version", "3.11\n", 4},
	} {
		write(t, filepath.Join(dir, c.file), c.text)
		python, err := e.Python(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if _, err := os.Stat(python); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if got := installs(t, dir); got != c.installs {
			t.Errorf("%s: pip ran %d times, want %d", c.what, got, c.installs)
		}
	}
	if text := log.String(); !strings.Contains(text, "pip: Downloading a.whl (2 MB)\n") || strings.Contains(text, "Collecting") ||
		!strings.Contains(text, "is of other versions") {
		t.Errorf("log:\n%s", text)
	}
}

// TestEnvironmentIncomplete: what a failed or killed installation left is made again.
func TestEnvironmentIncomplete(t *testing.T) {
	e, dir, _ := newEnvironment(t)
	write(t, filepath.Join(dir, "broken"), "")
	if _, err := e.Python(t.Context()); err == nil || !strings.Contains(err.Error(), "No space left on device") || !strings.Contains(err.Error(), "pip install") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Python(t.Context()); err != nil || installs(t, dir) != 2 {
		t.Errorf("%d installations, error %v", installs(t, dir), err)
	}
}

func TestEnvironmentRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(e *Environment, dir string)
		want   string
		is     error
	}{
		{"an old Python", func(_ *Environment, dir string) { write(t, filepath.Join(dir, "version"), "3.9\n") }, "is Python 3.9", ErrPython},
		{"no Python", func(e *Environment, dir string) { e.BasePython = filepath.Join(dir, "none") }, "none", ErrPython},
		{"no requirements", func(e *Environment, dir string) { e.Requirements = filepath.Join(dir, "none.txt") }, "none.txt", os.ErrNotExist},
	} {
		e, dir, _ := newEnvironment(t)
		c.change(&e, dir)
		if _, err := e.Python(t.Context()); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	e, dir, _ := newEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Python(ctx); !errors.Is(err, context.Canceled) || installs(t, dir) != 0 {
		t.Errorf("canceled: error %v", err)
	}
}

// TestTail keeps the end.
func TestTail(t *testing.T) {
	var b tail
	for range 1000 {
		b.Write([]byte("0123456789"))
	}
	b.Write([]byte("end"))
	if text := b.String(); len(text) != tailSize || !strings.HasSuffix(text, "789end") {
		t.Errorf("%d bytes, ends with %q", len(text), text[len(text)-10:])
	}
}
