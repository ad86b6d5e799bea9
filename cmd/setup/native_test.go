package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNativeKeys checks that a source is compiled again exactly if one of its inputs changed.
func TestNativeKeys(t *testing.T) {
	base := map[string]string{
		"a.cc":        "// A kernel.\n\n//go:build ignore\n\n#include \"shared.h\"\n#include <vector>\n#include \"torch/torch.h\"\nint a;",
		"b.cpp":       "//go:build ignore\n  #  include \"own.h\"\nint b;",
		"family/c.cc": "#include \"family/from_root.h\"\n#include \"beside.h\"\nint c;", // in a folder without Go files: needs no constraint
		"shared.h":    "#pragma once\n#include \"deep.h\"\n",
		"deep.h":      "#include \"shared.h\"\nint deep;", // an include cycle
		"own.h":       "int own;",
		"unused.h":    "int unused;",
		"native.go":   "package native",

		"family/from_root.h": "#include \"shared.h\"\n",
		"family/beside.h":    "int beside;",
		"beside.h":           "int hidden;", // the compiler looks beside the including file first
		"family/c_test.cc":   "a separate program",
	}
	keys := func(changed map[string]string, common string) map[string]string {
		dir := t.TempDir()
		for name, text := range base {
			if new, ok := changed[name]; ok {
				text = new
			}
			writeFile(t, filepath.Join(dir, name), text)
		}
		sources, err := listSources(dir, common)
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
	all := []string{"a.cc", "b.cpp", "family/c.cc"}
	if got := slices.Sorted(maps.Keys(before)); !slices.Equal(got, all) {
		t.Fatalf("sources %v, want %v", got, all)
	}
	tests := []struct {
		change, common string
		compiled       []string
	}{
		{change: "a.cc", compiled: []string{"a.cc"}},
		{change: "b.cpp", compiled: []string{"b.cpp"}},
		{change: "family/c.cc", compiled: []string{"family/c.cc"}},
		{change: "shared.h", compiled: []string{"a.cc", "family/c.cc"}},
		{change: "deep.h", compiled: []string{"a.cc", "family/c.cc"}},
		{change: "own.h", compiled: []string{"b.cpp"}},
		{change: "family/from_root.h", compiled: []string{"family/c.cc"}},
		{change: "family/beside.h", compiled: []string{"family/c.cc"}},
		{change: "beside.h"},
		{change: "family/c_test.cc"},
		{change: "unused.h"},
		{change: "native.go"},
		{common: "another compiler", compiled: all},
	}
	for _, tt := range tests {
		t.Run(tt.change+tt.common, func(t *testing.T) {
			after := keys(map[string]string{tt.change: base[tt.change] + "\n// changed"}, tt.common)
			var compiled []string
			for _, name := range all {
				if after[name] != before[name] {
					compiled = append(compiled, name)
				}
			}
			if !slices.Equal(compiled, tt.compiled) {
				t.Errorf("compiled again: %v, want %v", compiled, tt.compiled)
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

// TestNativeErrorNamesFile checks that a compiler error names the file and contains the output.
func TestNativeErrorNamesFile(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": `echo "kernel.cc:1:1: error: nonsense" >&2; exit 1`})
	lockCache(t, s)
	writeFile(t, filepath.Join(s.nativeDir(), "kernel.cc"), "//go:build ignore\n\nnonsense")
	_, err := s.buildNative(compiler{Path: "g++"}, libtorch{Dir: "/torch"})
	wantError(t, err, "compile autograd/native/kernel.cc", "error: nonsense")
}

// TestUnknownInstructionSet checks that a file whose flags the compiler does not support is
// compiled without them, with a message, and that other errors remain errors.
func TestUnknownInstructionSet(t *testing.T) {
	const kernel = "//go:build ignore\n\n// compile for amd64 with: -mamx-tile\n// compile for arm64 with: -mamx-tile\nint kernel;"
	tests := []struct {
		name, output string
		compiled     bool
	}{
		{"gcc", "g++: error: unrecognized command-line option '-mamx-tile'", true},
		{"gcc's march", "cc1plus: error: bad value ('x86-64-v4') for '-march=' switch", true},
		{"clang", "clang: error: unknown argument: '-mamx-tile'", true},
		{"an old assembler", "/tmp/x.s:10: Error: no such instruction: `tilerelease'", true},
		{"another error", "kernel.cc:1:1: error: nonsense", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := `for last; do :; done
case "$*" in *-mamx-tile*) echo "` + strings.ReplaceAll(tt.output, "`", "'") + `" >&2; exit 1;; esac
echo object > "$last"`
			s, out := newFake(t, map[string]string{"g++": script})
			lockCache(t, s)
			writeFile(t, filepath.Join(s.nativeDir(), "kernel.cc"), kernel)
			_, err := s.buildNative(compiler{Path: "g++", Version: "g++ 9"}, libtorch{Dir: "/torch"})
			reported := strings.Contains(out.String(), "kernel.cc without its instruction set: g++ 9 does not support -mamx-tile")
			if strings.Contains(fmt.Sprint(err), "compile autograd/native/kernel.cc") == tt.compiled || reported != tt.compiled {
				t.Errorf("compiled without the flags: %v, want %v; output %q", err, tt.compiled, out)
			}
		})
	}
}

// TestSourceWithoutBuildConstraint checks that a C++ file that cgo would compile is an error.
func TestSourceWithoutBuildConstraint(t *testing.T) {
	s, _ := newFake(t, nil)
	path := filepath.Join(s.nativeDir(), "kernel.cc")
	writeFile(t, path, "int kernel; // go:build ignore\n")
	_, err := s.buildNative(compiler{}, libtorch{})
	wantError(t, err, path+" must start with the line //go:build ignore")
}
