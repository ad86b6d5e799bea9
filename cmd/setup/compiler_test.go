package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// launcherScript runs its arguments, as ccache does.
const launcherScript = `exec "$@"`

// TestCompilerCommands: CXX and CC are commands as go reads them, and the compiler is called so.
func TestCompilerCommands(t *testing.T) {
	const fake = `echo "$0 $@" >>"$LOG"; echo fake++ 1.0`
	tests := []struct {
		name     string
		cxx, cc  string // SPACED is the path of a compiler in a folder with a space
		want     string // Path and Args, without folders
		programs map[string]string
		err      []string
	}{
		{name: "default", want: "g++", programs: map[string]string{"g++": fake, "gcc": ""}},
		{name: "clang++ alone", want: "clang++", programs: map[string]string{"clang++": fake, "gcc": ""}},
		{name: "a name", cxx: "g++-12", want: "g++-12", programs: map[string]string{"g++-12": fake, "gcc": ""}},
		{name: "launcher", cxx: "ccache g++", cc: "ccache gcc", want: "ccache g++",
			programs: map[string]string{"ccache": launcherScript, "g++": fake, "gcc": ""}},
		{name: "two launchers", cxx: "ccache distcc g++", want: "ccache distcc g++",
			programs: map[string]string{"ccache": launcherScript, "distcc": launcherScript, "g++": fake, "gcc": ""}},
		{name: "flags", cxx: "g++ -m64 -pipe", cc: "gcc -m64", want: "g++ -m64 -pipe", programs: map[string]string{"g++": fake, "gcc": ""}},
		{name: "path with spaces in quotes", cxx: "'SPACED' -m64", want: "spaced++ -m64", programs: map[string]string{"gcc": ""}},
		{name: "path with spaces without quotes", cxx: "SPACED", programs: map[string]string{"gcc": ""},
			err: []string{"CXX is", "with spaces", "in quotes", "'"}},
		{name: "launcher without a compiler", cxx: "ccache no++", programs: map[string]string{"ccache": launcherScript, "gcc": ""},
			err: []string{"ccache no++ --version", "set CXX"}},
		{name: "launcher that does not exist", cxx: "ccache g++", programs: map[string]string{"g++": fake, "gcc": ""},
			err: []string{"ccache is not on PATH", `CXX is "ccache g++"`}},
		{name: "C launcher that does not exist", cc: "ccache gcc", programs: map[string]string{"g++": fake, "gcc": ""},
			err: []string{"no C compiler for cgo: ccache is not on PATH"}},
		{name: "blank", cxx: " ", programs: map[string]string{"gcc": ""}, err: []string{`CXX is " "`, "unset CXX"}},
		{name: "blank C compiler", cc: " ", programs: map[string]string{"g++": fake}, err: []string{`CC is " "`, "unset CC"}},
		{name: "open quote", cxx: "'g++", programs: map[string]string{"gcc": ""}, err: []string{"not closed", "CXX"}},
		{name: "relative path", cxx: "./g++", programs: map[string]string{"gcc": ""}, err: []string{"relative path ./g++", "absolute"}},
		{name: "relative path of the C compiler", cc: "bin/gcc", programs: map[string]string{"g++": fake}, err: []string{"CC is the relative path bin/gcc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newFake(t, tt.programs)
			spaced := filepath.Join(s.repo, "of mine", "spaced++")
			writeFile(t, spaced, "#!/bin/sh\n"+fake+"\n")
			if err := os.Chmod(spaced, 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("LOG", filepath.Join(s.repo, "log"))
			t.Setenv("CXX", strings.ReplaceAll(tt.cxx, "SPACED", spaced))
			t.Setenv("CC", tt.cc)
			c, err := fakeEnv().findCompiler()
			if tt.err != nil {
				wantError(t, err, tt.err...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(append([]string{filepath.Base(c.Path)}, c.Args...), " "); got != tt.want || c.Version != "fake++ 1.0" {
				t.Errorf("got %q %q, want %q", got, c.Version, tt.want)
			}
			if err := c.run(s.repo, "-c", "my file.cc"); err != nil {
				t.Fatal(err)
			}
			if log := readFile(t, filepath.Join(s.repo, "log")); !strings.HasSuffix(log, " -c my file.cc\n") {
				t.Errorf("the compiler was called with %q", log)
			}
		})
	}
}

// TestCompilerID: objects depend on the flags of CXX, and the keys of a plain compiler stay as they were.
func TestCompilerID(t *testing.T) {
	plain, flags := compiler{Version: "g++ 12"}, compiler{Version: "g++ 12", Args: []string{"-m64"}}
	if launched := (compiler{Path: "ccache", Args: []string{"g++"}, Version: "g++ 12"}); launched.id() != plain.id() {
		t.Error("the ID depends on the launcher")
	}
	if plain.id() == flags.id() || plain.id() != (compiler{Path: "/usr/bin/g++", Version: "g++ 12"}).id() {
		t.Error("the ID depends on the path, or not on the flags")
	}
}

func TestCheckReportsCompilerThatDoesNotCompile(t *testing.T) {
	s, _ := newFake(t, map[string]string{"gcc": "",
		"g++": `if [ "$1" = --version ]; then echo "g++ 4.8"; else echo "error: unrecognized command line option -std=c++20" >&2; exit 1; fi`})
	var out strings.Builder
	wantError(t, s.check(&out), "failed")
	for _, want := range []string{"FAILED compiler", "(g++ 4.8) does not compile a C++20 program; install a newer compiler", "unrecognized command line option"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("--check does not print %q:\n%s", want, out.String())
		}
	}
	t.Setenv("LIBTORCH", fakeLibtorch(t, "2.12.1"))
	_, err := s.install()
	wantError(t, err, "does not compile a C++20 program")
}
