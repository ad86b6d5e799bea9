package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGeneratedFiles(t *testing.T) {
	s, _ := newFake(t, nil)
	writeFile(t, filepath.Join(s.nativeDir(), "native.go"), "package native")
	writeFile(t, filepath.Join(s.repo, "data/jpeg/doc.go"), "package jpeg")
	p := parts{
		jpeg:   libjpeg{include: []string{"/cache/usr/include"}, lib: "/cache/usr/lib"},
		torch:  libtorch{Dir: "/cache/torch", Version: "2.15.0"},
		gotch:  "/cache/gotch folder",
		native: "/cache/native-1",
	}
	for _, f := range s.generated(p) {
		wrote, err := f.write(s.repo)
		if err != nil || !wrote {
			t.Errorf("%s: wrote %v, error %v", f.Path, wrote, err)
		}
		if wrote, err := f.write(s.repo); err != nil || wrote {
			t.Errorf("%s: wrote again: %v, error %v", f.Path, wrote, err)
		}
		if !f.upToDate(s.repo) {
			t.Errorf("%s is not up to date", f.Path)
		}
	}
	for name, want := range map[string]string{
		"go.work":                     "go 1.26.8\n\nuse .\n\nreplace github.com/sugarme/gotch v0.9.1 => \"/cache/gotch folder\"\n",
		"autograd/native/setup.h":     "#define DEPTHWISE_LIBTORCH_VERSION \"2.15.0\"\n",
		"autograd/native/zz_setup.go": "// #cgo LDFLAGS: -L/cache/native-1 -ldepthwise -Wl,-rpath,/cache/native-1 -Wl,-rpath,/cache/torch/lib",
		"data/jpeg/zz_setup.go":       "// #cgo CFLAGS: -I/cache/usr/include\n// #cgo LDFLAGS: -L/cache/usr/lib -Wl,-rpath,/cache/usr/lib\n",
	} {
		text := readFile(t, filepath.Join(s.repo, name))
		if !strings.HasPrefix(text, "// "+generatedBy) || !strings.Contains(text, want) {
			t.Errorf("%s contains\n%s\nwant it to contain\n%s", name, text, want)
		}
	}

	// The file is removed if the system has libjpeg-turbo.
	p.jpeg = libjpeg{system: true}
	for _, f := range s.generated(p) {
		if _, err := f.write(s.repo); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.repo, "data/jpeg/zz_setup.go")); err == nil {
		t.Error("data/jpeg/zz_setup.go was not removed")
	}
}

// TestNothingGeneratedForMissingParts checks that files of earlier runs stay while a component
// cannot be built.
func TestNothingGeneratedForMissingParts(t *testing.T) {
	s, _ := newFake(t, nil)
	if files := s.generated(parts{}); len(files) != 0 {
		t.Errorf("generated %v", files)
	}
}

func TestForeignWorkFileIsKept(t *testing.T) {
	s, _ := newFake(t, map[string]string{"g++": "echo fake", "gcc": ""})
	work := filepath.Join(s.repo, "go.work")
	writeFile(t, work, "go 1.26\n\nuse .\nuse ../other\n")
	_, err := s.install()
	wantError(t, err, work+" was not written by setup", "move it away")
	wantError(t, s.clean(), work+" was not written by setup")
	if !strings.Contains(readFile(t, work), "../other") {
		t.Error("go.work was overwritten")
	}
}

func TestFindRepo(t *testing.T) {
	s, _ := newFake(t, nil)
	below := filepath.Join(s.repo, "cmd", "setup")
	writeFile(t, filepath.Join(below, "main.go"), "package main")
	if got, err := findRepo(below); err != nil || got != s.repo {
		t.Errorf("got %q, %v; want %q", got, err, s.repo)
	}
	outside := t.TempDir()
	writeFile(t, filepath.Join(outside, "go.mod"), "module example.com/other\n")
	_, err := findRepo(outside)
	wantError(t, err, outside+" is not inside the "+modulePath+" repository", "go run ./cmd/setup")
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"--chekc"}, "chekc"},
		{[]string{"extra"}, `unexpected argument "extra"`},
		{[]string{"--check", "--clean"}, "mutually exclusive"},
		{[]string{"--module", "x", "--check"}, "mutually exclusive"},
		{[]string{"--cuda", "--clean"}, "also without --cuda"},
		{[]string{"--cuda=maybe"}, "invalid boolean value"},
	}
	for _, tt := range tests {
		var out strings.Builder
		err := run(tt.args, &out, &out)
		if _, wrong := err.(usageError); !wrong || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: error %v, want a usage error with %q", tt.args, err, tt.want)
		}
	}
	var out strings.Builder
	if run([]string{"--help"}, &out, &out); !strings.Contains(out.String(), "LIBTORCH_USE_PYTORCH=1") {
		t.Errorf("--help prints %q", out.String())
	}
}
