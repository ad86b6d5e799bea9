package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckWithNothingInstalled(t *testing.T) {
	s, _ := newFake(t, nil)
	var out strings.Builder
	wantError(t, s.check(&out), "of the checks above failed")
	for _, want := range []string{"FAILED compiler", "no C++ compiler", "install one", "FAILED libtorch", "processor"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("--check does not print %q:\n%s", want, out.String())
		}
	}
	if _, err := os.Stat(s.cache); err == nil {
		t.Error("--check created the cache folder")
	}
}

// TestCheck checks a complete installation, and ones with a missing component.
func TestCheck(t *testing.T) {
	tests := []struct {
		name    string
		remove  string // file of the repository or the cache
		failure string
	}{
		{name: "complete"},
		{name: "gotch is incomplete", remove: "cache/libtch/lib.go", failure: "is incomplete; run: go run ./cmd/setup"},
		{name: "no go.work", remove: "repo/go.work", failure: "go.work is missing or not up to date; run: go run ./cmd/setup"},
		{name: "no setup.h", remove: "repo/autograd/native/setup.h", failure: "autograd/native/setup.h is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": ""})
			dir := fakeLibtorch(t, "2.12.1")
			t.Setenv("LIBTORCH", dir)
			gotch := installFake(t, s)
			if tt.remove != "" {
				root, name, _ := strings.Cut(tt.remove, "/")
				if err := os.Remove(filepath.Join(map[string]string{"repo": s.repo, "cache": gotch}[root], name)); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := s.check(&out)
			output := strings.Join(strings.Fields(out.String()), " ") // ignore the columns
			if (err != nil) != (tt.failure != "") || !strings.Contains(output, tt.failure) {
				t.Errorf("error %v, want %q in\n%s", err, tt.failure, out.String())
			}
			for _, want := range []string{"2.12.1, LIBTORCH, " + dir, "fake++ 1.0", "libjpeg-turbo installed in the system"} {
				if !strings.Contains(output, want) {
					t.Errorf("--check does not print %q:\n%s", want, out.String())
				}
			}
			for _, want := range []string{"instruction set AVX9", "unavailable 1: atg_qr"} {
				if tt.failure == "" && !strings.Contains(output, want) {
					t.Errorf("--check does not print %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// installFake creates the folders and generated files of a complete installation and returns the
// folder of gotch.
func installFake(t *testing.T, s *setup) string {
	t.Helper()
	lockCache(t, s)
	c, err := fakeEnv().findCompiler()
	if err != nil {
		t.Fatal(err)
	}
	torch, err := s.locate()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(s.nativeDir(), "a.cc"), "//go:build ignore\n")
	sources, err := s.nativeSources(c, torch)
	if err != nil {
		t.Fatal(err)
	}
	p := parts{compiler: c, torch: torch, jpeg: libjpeg{system: true}}
	p.native, err = s.cachedFolder(nativeName(sources), func(dir string) ([]string, []string, error) {
		writeFile(t, filepath.Join(dir, "a"), "")
		return nil, []string{"a"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.gotch, err = s.cachedFolder(gotchFolder(c, torch), func(dir string) ([]string, []string, error) {
		writeFile(t, filepath.Join(dir, "libtch/lib.go"), "package libtch")
		writeFile(t, filepath.Join(dir, "libtch/probe"), "#!/bin/sh\necho AVX9\n")
		return []string{"atg_qr"}, []string{"libtch/lib.go"}, os.Chmod(filepath.Join(dir, "libtch/probe"), 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.generated(p) {
		if _, err := f.write(s.repo); err != nil {
			t.Fatal(err)
		}
	}
	return p.gotch
}
