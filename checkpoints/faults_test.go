package checkpoints

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"depthwise.dev/internal/atomicfile"
)

var errDisk = errors.New("injected disk error")

// faulty injects the faults of its fields and works as the operating system otherwise.
type faulty struct {
	atomicfile.OS
	room              int // bytes that can be written; -1 means all
	sync, close       error
	rename, syncDir   error
	create, removeOld error
}

type faultyFile struct {
	atomicfile.File
	fsys *faulty
}

func (f *faulty) Create(path string, perm fs.FileMode) (atomicfile.File, error) {
	if f.create != nil {
		return nil, f.create
	}
	inner, err := f.OS.Create(path, perm)
	return &faultyFile{inner, f}, err
}

func (f *faulty) Rename(from, to string) error {
	if f.rename != nil {
		return f.rename
	}
	return f.OS.Rename(from, to)
}

func (f *faulty) Remove(path string) error {
	if f.removeOld != nil && filepath.Ext(path) == stepSuffix {
		return f.removeOld
	}
	return f.OS.Remove(path)
}

func (f *faulty) SyncDir(dir string) error { return errors.Join(f.OS.SyncDir(dir), f.syncDir) }

func (f *faultyFile) Write(b []byte) (int, error) {
	if f.fsys.room < 0 || len(b) <= f.fsys.room {
		f.fsys.room = max(-1, f.fsys.room-len(b))
		return f.File.Write(b)
	}
	n, err := f.File.Write(b[:f.fsys.room])
	f.fsys.room = 0
	return n, errors.Join(err, errDisk)
}

func (f *faultyFile) Sync() error  { return errors.Join(f.File.Sync(), f.fsys.sync) }
func (f *faultyFile) Close() error { return errors.Join(f.File.Close(), f.fsys.close) }

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	whole := File{Arrays: []Array{array(t, "w", make([]float32, 100), 100)}}
	type fault struct {
		name string
		fsys faulty
	}
	tests := []fault{
		{"create", faulty{room: -1, create: errDisk}},
		{"fsync", faulty{room: -1, sync: errDisk}},
		{"close", faulty{room: -1, close: errDisk}},
		{"rename", faulty{room: -1, rename: errDisk}},
	}
	for _, n := range []int{0, 1, 7, 8, 100, 300, 500, 575} { // the file has 576 bytes
		tests = append(tests, fault{"full disk", faulty{room: n}})
	}
	for _, test := range tests {
		for _, old := range []string{"", "the old one"} {
			t.Run(test.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "best.safetensors")
				before := []string(nil)
				if old != "" {
					writeFile(t, path, File{Meta: map[string]string{"which": old}})
					before = []string{"best.safetensors"}
				}
				fsys := test.fsys
				if err := write(&fsys, path, whole); !errors.Is(err, errDisk) {
					t.Fatalf("error %v, want the disk's", err)
				}
				if left := names(t, filepath.Dir(path)); !slices.Equal(left, before) {
					t.Errorf("the folder holds %q, want %q", left, before)
				}
				f, err := Read(path)
				if old == "" && !errors.Is(err, fs.ErrNotExist) || old != "" && (err != nil || f.Meta["which"] != old) {
					t.Errorf("read back: %v, %v", f.Meta, err)
				}
			})
		}
	}
}

func TestFolderThatCannotBeSyncedIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.safetensors")
	err := write(&faulty{room: -1, syncDir: errDisk}, path, goldenFile(t))
	if !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, got, goldenFile(t))
}

func TestWriteIntoAMissingFolder(t *testing.T) {
	if err := Write(filepath.Join(t.TempDir(), "no", "f"), File{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// The order matters after a loss of power: contents before name, name before folder.
func TestWriteSyncsInOrder(t *testing.T) {
	var log bytes.Buffer
	if err := write(logged{&log}, filepath.Join(t.TempDir(), "f"), File{}); err != nil {
		t.Fatal(err)
	}
	if got, want := log.String(), "create write sync close rename syncdir "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

type logged struct{ log *bytes.Buffer }

type loggedFile struct {
	atomicfile.File
	log *bytes.Buffer
}

func (l logged) Create(path string, perm fs.FileMode) (atomicfile.File, error) {
	l.log.WriteString("create ")
	f, err := atomicfile.OS{}.Create(path, perm)
	return loggedFile{f, l.log}, err
}

func (l logged) Rename(from, to string) error {
	l.log.WriteString("rename ")
	return atomicfile.OS{}.Rename(from, to)
}

func (l logged) Remove(path string) error {
	l.log.WriteString("remove ")
	return atomicfile.OS{}.Remove(path)
}

func (l logged) SyncDir(dir string) error {
	l.log.WriteString("syncdir ")
	return atomicfile.OS{}.SyncDir(dir)
}

func (f loggedFile) Write(b []byte) (int, error) {
	f.log.WriteString("write ")
	return f.File.Write(b)
}

func (f loggedFile) Sync() error {
	f.log.WriteString("sync ")
	return f.File.Sync()
}

func (f loggedFile) Close() error {
	f.log.WriteString("close ")
	return f.File.Close()
}
