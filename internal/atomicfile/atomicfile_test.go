package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var errInjected = errors.New("injected")

// faulty records every operation and fails the one that fail names.
type faulty struct {
	OS
	fail string
	log  []string
}

type faultyFile struct {
	File
	fsys *faulty
}

func (f *faulty) do(operation string) error {
	f.log = append(f.log, operation)
	if operation == f.fail {
		return fmt.Errorf("%s: %w", operation, errInjected)
	}
	return nil
}

func (f *faulty) Create(path string, perm fs.FileMode) (File, error) {
	if err := f.do("create"); err != nil {
		return nil, err
	}
	inner, err := f.OS.Create(path, perm)
	return &faultyFile{inner, f}, err
}

func (f *faulty) Rename(from, to string) error {
	if err := f.do("rename"); err != nil {
		return err
	}
	return f.OS.Rename(from, to)
}

func (f *faulty) SyncDir(dir string) error { return errors.Join(f.do("syncdir"), f.OS.SyncDir(dir)) }

func (f *faultyFile) Write(b []byte) (int, error) {
	if err := f.fsys.do("write"); err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	return f.File.Write(b)
}

func (f *faultyFile) Sync() error  { return errors.Join(f.fsys.do("sync"), f.File.Sync()) }
func (f *faultyFile) Close() error { return errors.Join(f.fsys.do("close"), f.File.Close()) }

func fill(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ fail, want string }{
		{"create", "old"},
		{"write", "old"},
		{"sync", "old"},
		{"close", "old"},
		{"rename", "old"},
		{"syncdir", "new"}, // the rename has happened
	} {
		t.Run(c.fail, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f")
			if err := WriteFile(path, 0o644, []byte("old")); err != nil {
				t.Fatal(err)
			}
			if err := WriteTo(&faulty{fail: c.fail}, path, 0o644, fill("new")); !errors.Is(err, errInjected) {
				t.Errorf("error %v", err)
			}
			if got := content(t, path); got != c.want {
				t.Errorf("content %q, want %q", got, c.want)
			}
			if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"f"}) {
				t.Errorf("the folder holds %q", got)
			}
		})
	}
}

// Content must be durable before the name, and the name before Write returns.
func TestOrderOfSyncs(t *testing.T) {
	fsys := &faulty{}
	if err := WriteTo(fsys, filepath.Join(t.TempDir(), "f"), 0o644, fill("x")); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(fsys.log, " "), "create write sync close rename syncdir"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestErrorOfFillKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := WriteFile(path, 0o644, []byte("old")); err != nil {
		t.Fatal(err)
	}
	err := Write(path, 0o644, func(w io.Writer) error {
		if err := fill("half")(w); err != nil {
			return err
		}
		return errInjected
	})
	if !errors.Is(err, errInjected) || content(t, path) != "old" {
		t.Errorf("error %v, content %q", err, content(t, path))
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"f"}) {
		t.Errorf("the folder holds %q", got)
	}
}

func TestMode(t *testing.T) {
	for _, perm := range []fs.FileMode{0o600, 0o400} { // bits that no umask in use clears
		path := filepath.Join(t.TempDir(), "f")
		if err := WriteFile(path, perm, nil); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != perm {
			t.Errorf("mode %v, want %v (%v)", info.Mode(), perm, err)
		}
	}
}

// TestStaleFiles: a write removes what killed writers of the same path left and nothing else.
func TestStaleFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	stale, other := TempName(path), TempName(filepath.Join(dir, "g"))
	for _, p := range []string{stale, other} {
		if err := os.WriteFile(p, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	live, err := OS{}.Create(TempName(path), 0o644) // another process is writing
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := WriteFile(path, 0o644, []byte("new")); err != nil {
		t.Fatal(err)
	}
	got := names(t, dir)
	if len(got) != 3 || slices.Contains(got, filepath.Base(stale)) || !slices.Contains(got, filepath.Base(other)) {
		t.Errorf("the folder holds %q", got)
	}
}

func TestFinalName(t *testing.T) {
	for _, c := range []struct {
		name, final string
		ok          bool
	}{
		{".f.tmp-01", "f", true},
		{".a.tmp-1.tmp-2", "a.tmp-1", true},
		{"f.tmp-01", "", false},
		{".f", "", false},
		{".tmp-01", "", false},
		{"", "", false},
	} {
		if final, ok := FinalName(c.name); final != c.final || ok != c.ok {
			t.Errorf("%q: %q, %t", c.name, final, ok)
		}
	}
	if final, ok := FinalName(filepath.Base(TempName("/x/f.tar"))); final != "f.tar" || !ok {
		t.Errorf("a new name: %q, %t", final, ok)
	}
}
