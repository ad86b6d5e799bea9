package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestNativeKeys: an object file is compiled again exactly when something that it is made from changed.
func TestNativeKeys(t *testing.T) {
	base := map[string]string{
		"a.cc":      "// A kernel.\n\n//go:build ignore\n\n#include \"shared.h\"\n#include <vector>\n#include \"torch/torch.h\"\nint a;",
		"b.cpp":     "//go:build ignore\n  #  include \"own.h\"\nint b;",
		"shared.h":  "#pragma once\n#include \"deep.h\"\n",
		"deep.h":    "#include \"shared.h\"\nint deep;", // includes go round
		"own.h":     "int own;",
		"unused.h":  "int unused;",
		"native.go": "package native",
	}
	keys := func(changed map[string]string, common string) map[string]string {
		dir := t.TempDir()
		for name, text := range base {
			if new, ok := changed[name]; ok {
				text = new
			}
			writeFile(t, filepath.Join(dir, name), text)
		}
		sources, err := sourcesIn(dir, common)
		if err != nil {
			t.Fatal(err)
		}
		list := map[string]string{}
		for _, s := range sources {
			list[s.Name] = s.Key
		}
		return list
	}
	before := keys(nil, "")
	if len(before) != 2 {
		t.Fatalf("sources %v, want a.cc and b.cpp", before)
	}
	tests := []struct {
		change, common string
		aAgain, bAgain bool
	}{
		{change: "a.cc", aAgain: true},
		{change: "b.cpp", bAgain: true},
		{change: "shared.h", aAgain: true},
		{change: "deep.h", aAgain: true},
		{change: "own.h", bAgain: true},
		{change: "unused.h"},
		{change: "native.go"},
		{common: "another compiler", aAgain: true, bAgain: true},
	}
	for _, tt := range tests {
		t.Run(tt.change+tt.common, func(t *testing.T) {
			after := keys(map[string]string{tt.change: base[tt.change] + "\n// changed"}, tt.common)
			if again := after["a.cc"] != before["a.cc"]; again != tt.aAgain {
				t.Errorf("a.cc compiled again: %v, want %v", again, tt.aAgain)
			}
			if again := after["b.cpp"] != before["b.cpp"]; again != tt.bAgain {
				t.Errorf("b.cpp compiled again: %v, want %v", again, tt.bAgain)
			}
		})
	}
}

func TestNoNativeFolder(t *testing.T) {
	s, _ := newFake(t, nil)
	dir, err := s.buildNative(compiler{}, libtorch{})
	if dir != "" || err != nil {
		t.Errorf("got %q, %v; want nothing", dir, err)
	}
}

// TestNativeErrorNamesFile: who writes C++ there sees which file the compiler refused, and what it said.
func TestNativeErrorNamesFile(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": `echo "kernel.cc:1:1: error: nonsense" >&2; exit 1`})
	locked(t, s)
	writeFile(t, filepath.Join(s.nativeDir(), "kernel.cc"), "//go:build ignore\n\nnonsense")
	_, err := s.buildNative(compiler{Path: "g++"}, libtorch{Dir: "/torch"})
	wantError(t, err, "compile autograd/native/kernel.cc", "error: nonsense")
}

// TestUnknownInstructionSet: a file whose flags the compiler does not know is compiled without them, and set-up says so; any other
// refusal stays one.
func TestUnknownInstructionSet(t *testing.T) {
	const kernel = "//go:build ignore\n\n// compile for amd64 with: -mamx-tile\n// compile for arm64 with: -mamx-tile\nint kernel;"
	tests := []struct {
		name, said string
		compiled   bool
	}{
		{"gcc", "g++: error: unrecognized command-line option '-mamx-tile'", true},
		{"gcc's march", "cc1plus: error: bad value ('x86-64-v4') for '-march=' switch", true},
		{"clang", "clang: error: unknown argument: '-mamx-tile'", true},
		{"an old assembler", "/tmp/x.s:10: Error: no such instruction: `tilerelease'", true},
		{"a mistake", "kernel.cc:1:1: error: nonsense", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := `for last; do :; done
case "$*" in *-mamx-tile*) echo "` + strings.ReplaceAll(tt.said, "`", "'") + `" >&2; exit 1;; esac
echo object > "$last"`
			s, out := newFake(t, map[string]string{"g++": script})
			locked(t, s)
			writeFile(t, filepath.Join(s.nativeDir(), "kernel.cc"), kernel)
			_, err := s.buildNative(compiler{Path: "g++", Version: "g++ 9"}, libtorch{Dir: "/torch"})
			told := strings.Contains(out.String(), "kernel.cc without its instructions: g++ 9 does not know -mamx-tile")
			if strings.Contains(fmt.Sprint(err), "compile autograd/native/kernel.cc") == tt.compiled || told != tt.compiled {
				t.Errorf("compiled without the flags: %v, want %v; said %q", err, tt.compiled, out)
			}
		})
	}
}

// TestSourceThatGoWouldCompile: go compiles the C++ files of a package itself unless a constraint keeps them from it.
func TestSourceThatGoWouldCompile(t *testing.T) {
	s, _ := newFake(t, nil)
	path := filepath.Join(s.nativeDir(), "kernel.cc")
	writeFile(t, path, "int kernel; // go:build ignore\n")
	_, err := s.buildNative(compiler{}, libtorch{})
	wantError(t, err, path+" must start with the line //go:build ignore")
}
