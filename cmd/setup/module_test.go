package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestInvalidModules(t *testing.T) {
	s, _ := newFake(t, nil)
	empty := t.TempDir()
	wantError(t, s.addModule(empty), empty+" holds no Go module", "go mod init")
	wantError(t, s.addModule(s.repo), s.repo+" is "+modulePath+" itself")
	own := t.TempDir()
	writeFile(t, filepath.Join(own, "go.mod"), "module example.com/own\n\ngo 1.26\n")
	writeFile(t, filepath.Join(own, "go.work"), "go 1.26\n\nuse .\n")
	wantError(t, s.addModule(own), "was not written by setup")
}

func TestNewer(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"1.26.8", "1.26", true},
		{"1.26", "1.26.8", false},
		{"1.26.8", "1.26.8", false},
		{"1.9", "1.26", false},
		{"1.27rc1", "1.26.8", true},
	}
	for _, tt := range tests {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
}

func TestMergeSums(t *testing.T) {
	s, _ := newFake(t, nil)
	writeFile(t, filepath.Join(s.repo, "go.sum"), "b v1 h1:b=\na v1 h1:a=\n")
	path := filepath.Join(t.TempDir(), "go.work.sum")
	writeFile(t, path, "c v1 h1:c=\nb v1 h1:b=\n")
	for range 2 {
		if err := s.mergeSums(path); err != nil {
			t.Fatal(err)
		}
	}
	if got := readFile(t, path); got != "a v1 h1:a=\nb v1 h1:b=\nc v1 h1:c=\n" {
		t.Errorf("sums %q", strings.Split(got, "\n"))
	}
}
