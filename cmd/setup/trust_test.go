package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTrust: nobody else may replace what programs load. The permissions are faked, since a test cannot
// give a file to another user.
func TestTrust(t *testing.T) {
	const self, other = 1000, 1001
	type given struct {
		path string // below the parent of the cache
		permissions
	}
	dir := func(mode fs.FileMode, uid, gid int) permissions {
		return permissions{mode: mode | fs.ModeDir, uid: uid, gid: gid}
	}
	tests := []struct {
		name    string
		euid    int
		given   given
		warning string
		err     []string
	}{
		{name: "own", euid: self, given: given{"depthwise", dir(0o755, self, self)}},
		{name: "of root, read by a user", euid: self, given: given{"depthwise", dir(0o755, 0, 0)}},
		{name: "world-writable", euid: self, given: given{"depthwise", dir(0o777, self, self)}, err: []string{"every user can write", "chmod -R o-w '"}},
		{name: "sticky and world-writable", euid: self, given: given{"depthwise", dir(0o777|fs.ModeSticky, self, self)}, err: []string{"every user can write"}},
		{name: "of another user", euid: self, given: given{"depthwise", dir(0o755, other, other)}, err: []string{"belongs to", "chown -R 1000 '", "XDG_CACHE_HOME"}},
		{name: "root in a user's cache", euid: 0, given: given{"depthwise", dir(0o755, self, self)}, err: []string{"belongs to", "do not run setup as root", "XDG_CACHE_HOME"}},
		{name: "group-writable", euid: self, given: given{"depthwise", dir(0o775, self, other)}, warning: "chmod g-w '"},
		{name: "writable by the user's private group", euid: self, given: given{"depthwise", dir(0o775, self, self)}},
		{name: "world-writable library", euid: self, given: given{"depthwise/native-1/libdepthwise" + sharedSuffix(), permissions{0o666, self, self}}, err: []string{"every user can write"}},
		{name: "library of another user", euid: self, given: given{"depthwise/gotch-1/libtch/libtch" + sharedSuffix(), permissions{0o644, other, self}}, err: []string{"belongs to"}},
		{name: "libtorch's folder is world-writable", euid: self, given: given{"depthwise/libtorch-1/lib", dir(0o777, self, self)}, err: []string{"every user can write"}},
		{name: "folder above is world-writable", euid: self, given: given{"", dir(0o777, self, self)}, err: []string{"every user can write", "chmod o-w '"}},
		{name: "folder above is sticky, as /tmp", euid: self, given: given{"", dir(0o777|fs.ModeSticky, 0, 0)}},
		{name: "folder above is another user's", euid: self, given: given{"", dir(0o755, other, other)}, err: []string{"belongs to", "XDG_CACHE_HOME"}},
		{name: "folder above has an owner that the container does not map", euid: self, given: given{"", dir(0o755, unmappedOwner, unmappedOwner)}},
		{name: "data sets are not libraries", euid: self, given: given{"depthwise/mnist", dir(0o777, other, other)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, nil)
			for _, name := range []string{"gotch-1/libtch/libtch" + sharedSuffix(), "native-1/libdepthwise" + sharedSuffix(), "libtorch-1/lib/libc10" + sharedSuffix(), "mnist/a"} {
				writeFile(t, filepath.Join(s.cache, name), "")
			}
			fakePermissions(t, map[string]permissions{filepath.Join(filepath.Dir(s.cache), tt.given.path): tt.given.permissions}, tt.euid)
			warning, err := s.checkTrust(tt.euid)
			if tt.err != nil {
				wantError(t, err, tt.err...)
			} else if err != nil || !strings.Contains(warning, tt.warning) || (warning != "") != (tt.warning != "") {
				t.Errorf("error %v, warning %q, want %q", err, warning, tt.warning)
			}
		})
	}
}

// fakePermissions gives some files other permissions, and all others those of a private file of the user.
func fakePermissions(t *testing.T, given map[string]permissions, uid int) {
	before := permissionsOf
	t.Cleanup(func() { permissionsOf = before })
	permissionsOf = func(path string) (permissions, error) {
		if p, ok := given[path]; ok {
			return p, nil
		}
		_, err := os.Stat(path)
		return permissions{mode: 0o755, uid: uid, gid: uid}, err
	}
}

// TestTrustIsCheckedOnDisk: with real permissions, in --check and in set-up.
func TestTrustIsCheckedOnDisk(t *testing.T) {
	s, out := newFake(t, map[string]string{"g++": compilerScript, "gcc": ""})
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.cache, 0o777); err != nil { // MkdirAll's mode is masked
		t.Fatal(err)
	}
	_, err := s.install()
	wantError(t, err, "every user can write to "+s.cache)
	var report strings.Builder
	wantError(t, s.check(&report), "failed")
	if !strings.Contains(report.String(), "FAILED cache") {
		t.Errorf("--check prints\n%s", report.String())
	}
	fakePermissions(t, map[string]permissions{s.cache: {mode: 0o775, uid: os.Geteuid(), gid: 12345}}, os.Geteuid())
	report.Reset()
	s.check(&report)
	if !strings.Contains(report.String(), "WARN   cache") {
		t.Errorf("--check prints\n%s", report.String())
	}
	if _, err := s.checkMachine(); err != nil || !strings.Contains(out.String(), "warning: members of group 12345 can write") {
		t.Errorf("error %v, output %q", err, out)
	}
}

// TestReadOnlyCache: a complete cache that cannot be written to is used; an incomplete one is an error.
func TestReadOnlyCache(t *testing.T) {
	for _, cause := range []error{syscall.EROFS, fs.ErrPermission, syscall.EACCES} {
		s, _ := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": ""})
		t.Setenv("LIBTORCH", fakeLibtorch(t, "2.12.1"))
		gotch := installFake(t, s)
		if err := os.Remove(filepath.Join(s.repo, "go.work")); err != nil {
			t.Fatal(err)
		}
		before := openLock
		t.Cleanup(func() { openLock = before })
		openLock = func(path string) (*os.File, error) { return nil, &fs.PathError{Op: "open", Path: path, Err: cause} }
		if _, err := s.install(); err != nil {
			t.Errorf("%v: a complete cache: %v", cause, err)
		}
		if _, err := os.Stat(filepath.Join(s.repo, "go.work")); err != nil {
			t.Errorf("%v: %v", cause, err)
		}
		unlock, err := s.lock()
		if err != nil {
			t.Fatal(err)
		}
		unlock()
		openLock = before
		if err := os.RemoveAll(gotch); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, cacheError("/", &fs.PathError{Op: "mkdir", Path: "/tmp-1", Err: syscall.EROFS}), "cannot write to the cache folder /", "set XDG_CACHE_HOME")
}

// TestCheckOfReadOnlyCache: "run setup" does not help when something is missing, so the check says why.
func TestCheckOfReadOnlyCache(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": ""})
	t.Setenv("LIBTORCH", fakeLibtorch(t, "2.12.1"))
	installFake(t, s)
	before := writeAccess
	t.Cleanup(func() { writeAccess = before })
	writeAccess = func(string) error { return syscall.EROFS }
	var out strings.Builder
	if err := s.check(&out); err != nil || !strings.Contains(out.String(), "WARN   cache           "+s.cache+" is read-only") ||
		!strings.Contains(out.String(), "set XDG_CACHE_HOME to another folder") {
		t.Errorf("error %v, --check prints\n%s", err, out.String())
	}
}

// TestFilesInPlacesOfFolders: each of them is named, with what to do.
func TestFilesInPlacesOfFolders(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, s *setup)
		want []string
	}{
		{"the cache is a file", func(t *testing.T, s *setup) { writeFile(t, s.cache, "") }, []string{"/depthwise is a file in the place of a folder", "move it away"}},
		{"its parent is a file", func(t *testing.T, s *setup) { writeFile(t, filepath.Dir(s.cache), "") }, []string{"/cache is a file in the place of a folder"}},
		{"its parent is a file that everyone can write to", func(t *testing.T, s *setup) {
			writeFile(t, filepath.Dir(s.cache), "")
			if err := os.Chmod(filepath.Dir(s.cache), 0o666); err != nil {
				t.Fatal(err)
			}
		}, []string{"/cache is a file in the place of a folder"}},
		{"the cache is a dangling link", func(t *testing.T, s *setup) {
			if err := errors.Join(os.MkdirAll(filepath.Dir(s.cache), 0o755), os.Symlink("/nowhere/at/all", s.cache)); err != nil {
				t.Fatal(err)
			}
		}, []string{"is a link to /nowhere/at/all, which does not exist", "remove the link"}},
		{"the lock is a folder", func(t *testing.T, s *setup) { writeFile(t, filepath.Join(s.cache, "lock", "a"), "") }, []string{"/lock is a folder in the place of setup's lock file; remove it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, map[string]string{"g++": compilerScript, "gcc": ""})
			tt.make(t, s)
			_, err := s.install()
			wantError(t, err, tt.want...)
		})
	}
}

func TestCacheOnFullDisk(t *testing.T) {
	s, _ := newFake(t, nil)
	before := openLock
	t.Cleanup(func() { openLock = before })
	openLock = func(path string) (*os.File, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOSPC}
	}
	_, err := s.lock()
	wantError(t, err, "the disk that holds "+s.cache+" is full", "free 2 GB")
}

// TestTrialBuild: what go reports is in the error, with what to do.
func TestTrialBuild(t *testing.T) {
	tests := []struct{ name, output, hint string }{
		{"checkout of another user", "error obtaining VCS status: exit status 128", "git config --global --add safe.directory 'REPO'"},
		{"full disk", "go: cannot write: no space left on device", "free disk space"},
		{"permissions", "open /go-build/00: permission denied", "GOCACHE"},
		{"flag", "invalid flag in go:cgo_ldflag: -Wl,-z", "CGO_LDFLAGS"},
		{"network", "dial tcp: lookup proxy.golang.org: no such host", "GOPROXY"},
		{"C compiler", `cgo: C compiler "gcc" not found: exec: "gcc": executable file not found in $PATH`, "check CC"},
		{"library", "/usr/bin/ld: cannot find -lnothing: No such file or directory", "CGO_LDFLAGS"},
		{"unknown", "something new", "repair what go reports"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": "",
				"go": `if [ "$1" = build ]; then echo '` + strings.ReplaceAll(tt.output, "'", "") + `' >&2; exit 1; fi` + "\n" + goScript})
			t.Setenv("LIBTORCH", fakeLibtorch(t, "2.12.1"))
			installFake(t, s)
			var out strings.Builder
			wantError(t, s.check(&out), "1 of the checks above failed")
			for _, want := range []string{"FAILED build", strings.ReplaceAll(tt.hint, "REPO", s.repo), tt.output} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("--check does not print %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// TestReadOnlyRepository: set-up writes into the repository.
func TestReadOnlyRepository(t *testing.T) {
	s, _ := newFake(t, nil)
	if err := os.Mkdir(filepath.Join(s.repo, "go.work"), 0o755); err != nil { // root can write to every folder, but not over one
		t.Fatal(err)
	}
	_, err := generatedFile{Path: "go.work", Content: "x"}.write(s.repo)
	wantError(t, err, "cannot write "+s.repo+"/go.work", "make it writable")
}

// TestSetupBuildsWhatItConnected: set-up reports "ready" only if packages with C code can be built.
func TestSetupBuildsWhatItConnected(t *testing.T) {
	s, out := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": "",
		"go": `if [ "$1" = build ]; then echo "ld: cannot find -ltch" >&2; exit 1; fi` + "\n" + goScript})
	t.Setenv("LIBTORCH", fakeLibtorch(t, "2.12.1"))
	installFake(t, s)
	if err := os.Remove(filepath.Join(s.repo, "go.work")); err != nil {
		t.Fatal(err)
	}
	before := openLock // installFake holds the lock
	t.Cleanup(func() { openLock = before })
	openLock = func(string) (*os.File, error) { return nil, fs.ErrPermission }
	_, err := s.install()
	wantError(t, err, "go build ./data/jpeg ./autograd/native", "cannot find -ltch", "check CC")
	if strings.Contains(out.String(), "ready") {
		t.Errorf("setup printed %q", out)
	}
}
