package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestApplyRepairs(t *testing.T) {
	table := []repair{{Defect: "leaks", File: "ts/*.go", AtLeast: 2, Old: `^(\w+) := C\.malloc\(0\)$`, New: `$1 := new(T)`}}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ts/a.go"), "x := 1\nptr := C.malloc(0)\n")
	writeFile(t, filepath.Join(dir, "ts/b.go"), "out := C.malloc(0)\n")
	if err := applyRepairs(dir, table); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, filepath.Join(dir, "ts/a.go")) + readFile(t, filepath.Join(dir, "ts/b.go")); got != "x := 1\nptr := new(T)\nout := new(T)\n" {
		t.Errorf("repaired to %q", got)
	}
	// A gotch without the expected matches is an error.
	wantError(t, applyRepairs(dir, table), "gotch "+gotchVersion+" is not as expected", "0 of at least 2", "leaks")
}

// TestRepairsFitGotch applies the table to the module that go.sum pins, if the module cache has it.
func TestRepairsFitGotch(t *testing.T) {
	s := &setup{repo: filepath.Join("..", "..")}
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	if _, err := s.gotchSource(); err != nil {
		t.Skip("gotch is not in the module cache")
	}
	dir := t.TempDir()
	if err := s.copyGotch(dir); err != nil {
		t.Fatal(err)
	}
	if err := applyRepairs(dir, repairs); err != nil {
		t.Fatal(err)
	}
	left := regexp.MustCompile(`(?m)^[^*/\n]*C\.malloc\(0\)|bigStruct\)|MkdirAll`)
	for _, pattern := range []string{"*.go", "ts/*.go", "libtch/*.go"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if found := left.FindString(readFile(t, name)); found != "" && !strings.HasSuffix(name, "file-util.go") {
				t.Errorf("%s still has %q", name, found)
			}
		}
	}
	protect := readFile(t, filepath.Join(dir, "libtch/torch_api.h"))
	for _, want := range []string{"catch (...)", "catch (const c10::Error &e)", "extern thread_local char *torch_last_err;"} {
		if !strings.Contains(protect, want) {
			t.Errorf("torch_api.h has no %q", want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "example")); err == nil {
		t.Error("gotch's examples were copied: 60 MB that nothing imports")
	}
}
