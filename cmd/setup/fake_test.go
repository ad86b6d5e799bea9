package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// newFake returns a setup of an empty repository with an empty cache, both temporary, and its
// output. PATH contains only the given shell scripts, so that tests depend neither on the machine
// nor on the network.
func newFake(t *testing.T, programs map[string]string) (*setup, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	all := map[string]string{"go": goScript}
	maps.Copy(all, programs)
	for name, script := range all {
		writeFile(t, filepath.Join(bin, name), "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(filepath.Join(bin, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	for _, name := range slices.Concat(goSettings, []string{"LIBTORCH", "LIBTORCH_USE_PYTORCH", "GOWORK"}) {
		t.Setenv(name, "")
	}
	repo := filepath.Join(dir, "repo")
	writeFile(t, filepath.Join(repo, "go.mod"), "module "+modulePath+"\n\ngo 1.26.8\n")
	var out bytes.Buffer
	s := &setup{repo: repo, goVersion: "1.26.8", cache: filepath.Join(dir, "cache", "depthwise"), out: &out}
	return s, &out
}

// lockCache creates and locks the cache folder until the test ends.
func lockCache(t *testing.T, s *setup) {
	t.Helper()
	unlock, err := s.lock()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fakeLibtorch creates a folder that looks like libtorch of that version.
func fakeLibtorch(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	v := strings.Split(version, ".")
	writeFile(t, filepath.Join(dir, "include/torch/headeronly/version.h"),
		"#define TORCH_VERSION_MAJOR "+v[0]+"\n#define TORCH_VERSION_MINOR "+v[1]+"\n#define TORCH_VERSION_PATCH "+v[2]+"\n")
	writeFile(t, filepath.Join(dir, "lib", "libtorch_cpu"+sharedSuffix()), "ELF")
	return dir
}

// wantError checks that an error contains all parts.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not contain %q", err, p)
		}
	}
	if strings.Count(err.Error(), "XDG_CACHE_HOME") > 1 {
		t.Errorf("error repeats what to do: %v", err)
	}
}

// fakeEnv returns the settings that goScript prints.
func fakeEnv() goEnv {
	env := goEnv{"CGO_ENABLED": "1", "CC": "gcc", "CXX": "g++", "GOFLAGS": "", "GO111MODULE": "",
		"GOOS": runtime.GOOS, "GOARCH": runtime.GOARCH, "GOHOSTOS": runtime.GOOS, "GOHOSTARCH": runtime.GOARCH}
	for name := range env {
		if value := os.Getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}

// goScript is a go command whose settings come from the environment alone, and whose builds succeed.
var goScript = `[ "$1" = env ] || exit 0
echo "{\"CGO_ENABLED\": \"${CGO_ENABLED:-1}\", \"CC\": \"${CC:-gcc}\", \"CXX\": \"${CXX:-g++}\", \"GOFLAGS\": \"$GOFLAGS\",
\"GO111MODULE\": \"$GO111MODULE\", \"GOOS\": \"${GOOS:-` + runtime.GOOS + `}\", \"GOARCH\": \"${GOARCH:-` + runtime.GOARCH + `}\",
\"GOHOSTOS\": \"` + runtime.GOOS + `\", \"GOHOSTARCH\": \"` + runtime.GOARCH + `\"}"`

// A compiler that rejects the headers of libjpeg; the start of a python with pip.
const (
	compilerScript = `if [ "$1" = --version ]; then echo "fake++ 1.0"; elif [ "$1" = -std=c++20 ]; then exit 0; else echo "probe.cc:2:10: fatal error: jpeglib.h: No such file or directory" >&2; exit 1; fi`
	pipScript      = `if [ "$3" = --version ]; then echo pip 23; exit 0; fi
`
)
