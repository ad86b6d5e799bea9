package checkpoints

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/regularfile"
)

func stepFile(t testing.TB, step int64) File {
	return File{Meta: map[string]string{"step": fmt.Sprint(step)}, Arrays: []Array{array(t, "step", []int64{step})}}
}

func save(t testing.TB, s Store, steps ...int64) {
	t.Helper()
	for _, step := range steps {
		path, err := s.Save(step, stepFile(t, step))
		if err != nil || path != filepath.Join(s.Dir, stepName(step)) {
			t.Fatalf("save step %d: %q, %v", step, path, err)
		}
	}
}

// flip damages one byte of a step's file.
func flip(t testing.TB, s Store, step int64) {
	t.Helper()
	path := filepath.Join(s.Dir, stepName(step))
	b := fileBytes(t, path)
	b[len(b)-1] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStoreRetention(t *testing.T) {
	tests := []struct {
		name    string
		keep    int
		before  []int64 // saved with Keep 0
		damaged []int64
		save    int64
		spare   []int64
		want    []int64
	}{
		{"all", 0, []int64{1, 2, 3}, nil, 4, nil, []int64{1, 2, 3, 4}},
		{"the newest two", 2, []int64{1, 2, 3}, nil, 4, nil, []int64{3, 4}},
		{"fewer than two", 2, nil, nil, 4, nil, []int64{4}},
		{"one", 1, []int64{1, 2, 3}, nil, 4, nil, []int64{4}},
		{"by number, not by name", 2, []int64{99999999, 100000000}, nil, 100000001, nil, []int64{100000000, 100000001}},
		{"resumed before damaged ones", 1, []int64{1, 2, 3}, []int64{2, 3}, 1, nil, []int64{1, 2, 3}},
		{"a newer valid one stays", 1, []int64{1, 9}, nil, 2, nil, []int64{2, 9}},
		{"overwrites", 2, []int64{1, 2, 3}, []int64{3}, 3, nil, []int64{2, 3}},
		{"the best one is spared", 2, []int64{1, 2, 3, 4}, nil, 5, []int64{2}, []int64{2, 4, 5}},
		{"a spared one among the newest", 2, []int64{1, 2, 3}, nil, 4, []int64{3, 7}, []int64{3, 4}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			all := Store{Dir: filepath.Join(t.TempDir(), "a", "b")}
			save(t, all, test.before...)
			for _, step := range test.damaged {
				flip(t, all, step)
			}
			if _, err := (Store{Dir: all.Dir, Keep: test.keep}).Save(test.save, stepFile(t, test.save), test.spare...); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, step := range test.want {
				want = append(want, stepName(step))
			}
			slices.Sort(want)
			if got := names(t, all.Dir); !slices.Equal(got, want) {
				t.Errorf("the folder holds %q, want %q", got, want)
			}
		})
	}
}

func TestStoreLatest(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	save(t, s, 8, 9, 10, 11, 100000000)
	flip(t, s, 11)
	unsigned := filepath.Join(s.Dir, stepName(10))
	if err := os.WriteFile(unsigned, raw(`{}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"step-12.safetensors", "step-00000013.safetensors.bak", "step--0000014.safetensors", "Step-00000015.safetensors", "best.safetensors"} {
		if err := os.WriteFile(filepath.Join(s.Dir, other), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.Dir, stepName(16)), 0o755); err != nil {
		t.Fatal(err)
	}

	path, f, passed, err := s.Latest()
	if err != nil || len(passed) != 0 || filepath.Base(path) != "step-100000000.safetensors" {
		t.Fatalf("%q, passed %v, %v", path, passed, err)
	}
	sameFile(t, f, stepFile(t, 100000000))

	flip(t, s, 100000000)
	path, f, passed, err = s.Latest()
	if err != nil || filepath.Base(path) != stepName(9) {
		t.Fatalf("%q, %v", path, err)
	}
	sameFile(t, f, stepFile(t, 9))
	reasons := []struct {
		step int64
		is   error
	}{{100000000, ErrDigest}, {16, nil}, {11, ErrDigest}, {10, ErrNoDigest}}
	if len(passed) != len(reasons) {
		t.Fatalf("passed over %v", passed)
	}
	for i, want := range reasons {
		if want.is != nil && !errors.Is(passed[i], want.is) || !strings.Contains(passed[i].Error(), stepName(want.step)) {
			t.Errorf("passed over: %v, want %v and step %d", passed[i], want.is, want.step)
		}
	}
}

func TestStoreLatestNone(t *testing.T) {
	s := Store{Dir: filepath.Join(t.TempDir(), "checkpoints")}
	if _, _, passed, err := s.Latest(); !errors.Is(err, ErrNone) || passed != nil {
		t.Errorf("no folder: %v, passed %v", err, passed)
	}
	save(t, s, 1)
	flip(t, s, 1)
	if _, _, passed, err := s.Latest(); !errors.Is(err, ErrNone) || len(passed) != 1 {
		t.Errorf("one damaged file: %v, passed %v", err, passed)
	}
}

func TestStoreClearsStaleFiles(t *testing.T) {
	s := Store{Dir: t.TempDir()}
	stale := []string{atomicfile.TempName(filepath.Join(s.Dir, stepName(7))), atomicfile.TempName(filepath.Join(s.Dir, stepName(100000000)))}
	foreign := []string{filepath.Join(s.Dir, ".notes.tmp-1"), filepath.Join(s.Dir, "a.tmp-1")}
	for _, path := range append(stale, foreign...) {
		if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	live := atomicfile.TempName(filepath.Join(s.Dir, stepName(9)))
	open, err := atomicfile.OS{}.Create(live, filePerm)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, 8)
	want := []string{filepath.Base(live), ".notes.tmp-1", "a.tmp-1", stepName(8)}
	slices.Sort(want)
	if got := names(t, s.Dir); !slices.Equal(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, s, 10)
	if _, err := os.Stat(live); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file that its writer let go of: %v", err)
	}
}

func TestStoreSaveErrors(t *testing.T) {
	s := Store{Dir: t.TempDir(), Keep: 1}
	if _, err := s.Save(-1, File{}); err == nil {
		t.Error("a negative step was saved")
	}
	save(t, s, 1)
	if path, err := s.save(&faulty{room: 100}, 2, stepFile(t, 2)); path != "" || !errors.Is(err, errDisk) {
		t.Errorf("full disk: %q, %v", path, err)
	}
	if path, err := s.save(&faulty{room: -1, removeOld: errDisk}, 2, stepFile(t, 2)); path == "" || !errors.Is(err, errDisk) {
		t.Errorf("an old file that cannot go: %q, %v", path, err)
	}
	_, f, _, err := s.Latest()
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, f, stepFile(t, 2))

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (Store{Dir: file}).Save(1, File{}); err == nil {
		t.Error("saved into a file")
	}
}

// TestNamedPipes: a pipe with the name of a file is an error at once. To open it would wait for a writer.
func TestNamedPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, stepName(7))
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	store := Store{Dir: dir}
	valid, err := store.Save(3, File{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(pipe); !errors.Is(err, regularfile.ErrIrregular) || !strings.Contains(err.Error(), pipe) {
		t.Errorf("Read: %v", err)
	}
	if path, _, passed, err := store.Latest(); path != valid || err != nil || len(passed) != 1 || !errors.Is(passed[0], regularfile.ErrIrregular) {
		t.Errorf("Latest: %s, passed %v, %v", path, passed, err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, LockName), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, regularfile.ErrIrregular) {
		t.Errorf("Lock: %v", err)
	}
}
