package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// setupErrors has a row for each problem of a machine. The error must say what failed, where, and
// what to do.

var setupErrors = []struct {
	name     string
	programs map[string]string
	env      map[string]string
	run      func(*setup) error
	want     []string
}{
	{
		name: "no C++ compiler",
		run:  func(*setup) error { _, err := fakeEnv().findCompiler(); return err },
		want: []string{"no C++ compiler", "g++ or clang++ is not on PATH", "set CXX"},
	},
	{
		name: "CXX does not exist",
		env:  map[string]string{"CXX": "no-such-compiler"},
		run:  func(*setup) error { _, err := fakeEnv().findCompiler(); return err },
		want: []string{"no-such-compiler is not on PATH", "set CXX"},
	},
	{
		name:     "no C compiler for cgo",
		programs: map[string]string{"g++": compilerScript},
		run:      func(*setup) error { _, err := fakeEnv().findCompiler(); return err },
		want:     []string{"no C compiler for cgo", "not on PATH", "set CC"},
	},
	{
		name:     "apt-get is suggested if installed",
		programs: map[string]string{"apt-get": "exit 0"},
		run:      func(*setup) error { _, err := fakeEnv().findCompiler(); return err },
		want:     []string{"apt-get install g++"},
	},
	{
		name: "no pip",
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"pip, which downloads libtorch, is missing", "set LIBTORCH"},
	},
	{
		name: "no network",
		programs: map[string]string{"python3": pipScript +
			`echo "WARNING: Retrying after connection broken: Temporary failure in name resolution" >&2; ` +
			`echo "ERROR: No matching distribution found for torch==2.15.0" >&2; exit 1`},
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"pip could not download libtorch " + torchVersion, "check the network", "LIBTORCH", "Temporary failure in name resolution"},
	},
	{
		name: "hash mismatch",
		programs: map[string]string{"python3": pipScript +
			`echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE." >&2; exit 1`},
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"not the pinned one", "pip's index"},
	},
	{
		name: "disk full in pip",
		programs: map[string]string{"python3": pipScript +
			`echo "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" >&2; exit 1`},
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"is full", "XDG_CACHE_HOME"},
	},
	{
		name: "LIBTORCH names a folder without libtorch",
		env:  map[string]string{"LIBTORCH": "/nonexistent"},
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"LIBTORCH: /nonexistent holds no libtorch", "include/ and lib/"},
	},
	{
		name: "LIBTORCH_USE_PYTORCH without python",
		env:  map[string]string{"LIBTORCH_USE_PYTORCH": "1"},
		run:  func(s *setup) error { _, err := s.libtorch(); return err },
		want: []string{"no python3 on PATH", "unset LIBTORCH_USE_PYTORCH"},
	},
	{
		name:     "LIBTORCH_USE_PYTORCH without torch",
		programs: map[string]string{"python3": "echo"},
		env:      map[string]string{"LIBTORCH_USE_PYTORCH": "1"},
		run:      func(s *setup) error { _, err := s.libtorch(); return err },
		want:     []string{"has no torch", "pip install torch"},
	},
	{
		name:     "gotch cannot be downloaded",
		programs: map[string]string{"go": `echo '{"Error": "dial tcp: lookup proxy: no such host"}'; exit 1`},
		run:      func(s *setup) error { _, err := s.gotchSource(); return err },
		want:     []string{"go could not download " + gotchModule, "no such host", "GOPROXY", "run setup again"},
	},
	{
		name:     "no libjpeg headers and no apt-get",
		programs: map[string]string{"g++": compilerScript, "gcc": ""},
		run: func(s *setup) error {
			c, err := fakeEnv().findCompiler()
			if err != nil {
				return err
			}
			_, err = s.libjpeg(c)
			return err
		},
		want: []string{"libjpeg-turbo's headers (jpeglib.h) are missing", "apt-get", "run setup again"},
	},
}

func TestSetupErrors(t *testing.T) {
	if _, err := thisPlatform(); err != nil {
		t.Skip(err)
	}
	for _, tt := range setupErrors {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, tt.programs)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			lockCache(t, s)
			err := tt.run(s)
			wantError(t, err, tt.want...)
			wantNoLeftovers(t, s)
		})
	}
}

// wantNoLeftovers checks that a failure leaves no files in the cache.
func wantNoLeftovers(t *testing.T, s *setup) {
	t.Helper()
	entries, err := os.ReadDir(s.cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "lock" {
			t.Errorf("left in the cache: %s", e.Name())
		}
	}
}

func TestLibtorchVersions(t *testing.T) {
	tests := []struct {
		version string
		want    string // part of the error
	}{
		{"2.10.0", "which gotch cannot be adapted to"},
		{"2.11.0", ""},
		{"2.15.1", ""},
		{"2.16.0", "use 2.11 to 2.15"},
		{"1.13.1", "which gotch cannot be adapted to"},
	}
	for _, tt := range tests {
		t.Run(tt.version, func(t *testing.T) {
			s, _ := newFake(t, nil)
			dir := fakeLibtorch(t, tt.version)
			t.Setenv("LIBTORCH", dir)
			got, err := s.libtorch()
			if tt.want != "" {
				wantError(t, err, "LIBTORCH: "+dir, "libtorch "+tt.version, tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Version != tt.version || got.Dir != dir || got.CUDA {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestCacheNotWritable(t *testing.T) {
	s, _ := newFake(t, nil)
	file := filepath.Join(s.repo, "a file")
	writeFile(t, file, "")
	s.cache = filepath.Join(file, "depthwise") // root can write to every folder, but not to one inside a file
	_, err := s.lock()
	wantError(t, err, file+" is a file in the place of a folder of the cache", "set XDG_CACHE_HOME")
}

func TestTooLittleDiskSpace(t *testing.T) {
	if _, err := thisPlatform(); err != nil {
		t.Skip(err)
	}
	s, _ := newFake(t, map[string]string{"python3": pipScript + "exit 1"})
	before := freeBytes
	t.Cleanup(func() { freeBytes = before })
	freeBytes = func(string) (int64, error) { return 100e6, nil }
	lockCache(t, s)
	_, err := s.libtorch()
	wantError(t, err, "the disk that holds "+s.cache+" is full", "100 MB are free", "MB are needed", "XDG_CACHE_HOME")
	wantNoLeftovers(t, s)
}

func TestCompilerFillsDisk(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": `echo "fatal error: error writing to a.o: No space left on device" >&2; exit 1`, "gcc": ""})
	lockCache(t, s)
	_, err := s.cachedFolder("gotch-1", func(dir string) ([]string, []string, error) {
		return nil, nil, compiler{Path: "g++"}.run(dir, "-c", "a.cc")
	})
	wantError(t, err, "is full", "XDG_CACHE_HOME", syscall.ENOSPC.Error())
	wantNoLeftovers(t, s)
}
