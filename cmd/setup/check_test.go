package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCheckNothingThere(t *testing.T) {
	s, _ := newFake(t, nil)
	var out strings.Builder
	wantError(t, s.check(&out), "above is wrong")
	for _, want := range []string{"WRONG compiler", "no C++ compiler", "install one", "WRONG libtorch", "processor"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("--check does not say %q:\n%s", want, out.String())
		}
	}
	if _, err := os.Stat(s.cache); err == nil {
		t.Error("--check made the cache folder")
	}
}

// TestCheck goes through a set-up whose parts are there, and through the ways in which one can be missing.
func TestCheck(t *testing.T) {
	tests := []struct {
		name  string
		hurt  string // file of the repository or the cache to remove
		wrong string
	}{
		{name: "all there"},
		{name: "gotch lost a file", hurt: "cache/libtch/lib.go", wrong: "has lost files; run: go run ./cmd/setup"},
		{name: "go.work is not there", hurt: "repo/go.work", wrong: "go.work is missing or not up to date; run: go run ./cmd/setup"},
		{name: "setup.h is not there", hurt: "repo/autograd/native/setup.h", wrong: "autograd/native/setup.h is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, map[string]string{"g++": "echo fake++ 1.0", "gcc": ""})
			dir := fakeLibtorch(t, "2.12.1")
			t.Setenv("LIBTORCH", dir)
			gotch := finishFake(t, s)
			if tt.hurt != "" {
				place, rest, _ := strings.Cut(tt.hurt, "/")
				if err := os.Remove(filepath.Join(map[string]string{"repo": s.repo, "cache": gotch}[place], rest)); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := s.check(&out)
			said := strings.Join(strings.Fields(out.String()), " ") // columns do not matter
			if (err != nil) != (tt.wrong != "") || !strings.Contains(said, tt.wrong) {
				t.Errorf("error %v, want %q in\n%s", err, tt.wrong, out.String())
			}
			for _, want := range []string{"2.12.1, LIBTORCH, " + dir, "fake++ 1.0", "libjpeg-turbo the system's"} {
				if !strings.Contains(said, want) {
					t.Errorf("--check does not say %q:\n%s", want, out.String())
				}
			}
			for _, want := range []string{"capability AVX9", "lacking 1: atg_qr"} {
				if tt.wrong == "" && !strings.Contains(said, want) {
					t.Errorf("--check does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

// finishFake puts finished folders and generated files where a set-up with the fake compiler would, and returns gotch's.
func finishFake(t *testing.T, s *setup) string {
	t.Helper()
	locked(t, s)
	c, err := findCompiler()
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
	p.native, err = s.finished(nativeName(sources), func(dir string) ([]string, []string, error) {
		writeFile(t, filepath.Join(dir, "a"), "")
		return nil, []string{"a"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.gotch, err = s.finished(fitName(c, torch), func(dir string) ([]string, []string, error) {
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
