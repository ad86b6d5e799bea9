package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// oddNames are names of folders with what shells, go, the compiler or the linker treat specially.
var oddNames = []string{"dw (1)", "R&D", "it's", "a#b", "a[b]", "a{b}", "a;b", "a*b", "a?b", "a|b", "a<b>", "a`b", `a\b`, `a"b`,
	"a,b", "a:b", "a$ORIGIN", "a\tb"}

// TestCachePath: libraries are linked in the cache, so its path is limited.
func TestCachePath(t *testing.T) {
	for _, name := range append(oddNames, "a\nb", "a\xffb", "a\u200bb") {
		wantError(t, checkCachePath("/home/"+name), "the path of the cache folder", "set XDG_CACHE_HOME to a folder whose path")
	}
	for _, name := range []string{"dw (1)", "a,b"} {
		s, _ := newFake(t, map[string]string{"g++": compilerScript, "gcc": ""})
		s.cache = filepath.Join(t.TempDir(), name, "depthwise")
		_, err := s.install()
		wantError(t, err, "the path of the cache folder", "set XDG_CACHE_HOME to a folder whose path")
		if _, err := os.Stat(filepath.Dir(s.cache)); err == nil {
			t.Errorf("%q: setup created the cache all the same", name)
		}
		var out strings.Builder
		wantError(t, s.check(&out), "failed")
		if !strings.Contains(out.String(), "the path of the cache folder") {
			t.Errorf("%q: --check prints\n%s", name, out.String())
		}
	}
	for _, name := range []string{"plain", "with space", "é", "日本", "a+b-c.d=e_f@g%h!i~j^k"} {
		if err := checkCachePath("/home/" + name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestLibtorchPath: libtorch in a folder that cannot be linked is linked through the cache.
func TestLibtorchPath(t *testing.T) {
	for _, name := range append(oddNames, "plain", "with space") {
		s, _ := newFake(t, nil)
		lockCache(t, s)
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Rename(fakeLibtorch(t, "2.12.1"), dir); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LIBTORCH", dir)
		located, err := s.locate()
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if odd := linkUnsafe(dir) != ""; odd != (located.checkLink() != nil) {
			t.Errorf("%q: before set-up: %v", name, located.checkLink())
		}
		for range 2 { // the second time the link is there
			got, err := s.libtorch()
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			if linkUnsafe(got.Dir) != "" || got.checkLink() != nil || got.ID != located.ID {
				t.Errorf("%q: %+v, link %v", name, got, got.checkLink())
			}
			if _, err := os.Stat(filepath.Join(got.lib(), "libtorch_cpu"+sharedSuffix())); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

// TestLibtorchLinkIsRepaired: the link is made again when it names another folder, and clean removes the
// link, not the folder.
func TestLibtorchLinkIsRepaired(t *testing.T) {
	s, _ := newFake(t, nil)
	dir := filepath.Join(t.TempDir(), "R&D")
	if err := os.Rename(fakeLibtorch(t, "2.12.1"), dir); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIBTORCH", dir)
	located, err := s.locate()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(s.cache, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/elsewhere", located.Dir); err != nil {
		t.Fatal(err)
	}
	wantError(t, located.checkLink(), "is not a link to", runSetup)
	if got, err := s.libtorch(); err != nil || got.checkLink() != nil {
		t.Errorf("error %v, link %v", err, got.checkLink())
	}
	if err := s.clean(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "lib")); err != nil {
		t.Errorf("clean removed the user's libtorch: %v", err)
	}
}

// TestRepositoryPath: go builds a package with cgo flags as autograd/native has them, and reads go.work, in
// folders of any name but with line breaks.
func TestRepositoryPath(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip(err)
	}
	path := os.Getenv("PATH")
	native, err := os.ReadFile("../../autograd/native/native.go")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(native), "${SRCDIR}") {
		t.Error("autograd/native uses ${SRCDIR}, with which go refuses folders with other characters than go/build's safeString")
	}
	for _, name := range oddNames {
		dir := filepath.Join(t.TempDir(), name)
		if err := checkRepoPath(dir); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		writeFile(t, filepath.Join(dir, "go.mod"), "module "+modulePath+"\n\ngo 1.24\n")
		gotch := t.TempDir() // the cache
		writeFile(t, filepath.Join(gotch, "go.mod"), "module "+gotchModule+"\n\ngo 1.24\n")
		writeFile(t, filepath.Join(dir, "go.work"), goWork("1.24", gotch, ""))
		writeFile(t, filepath.Join(dir, "setup.h"), "#define ANSWER 42\n")
		writeFile(t, filepath.Join(dir, "main.go"), "package main\n\n// #include \"setup.h\"\nimport \"C\"\n\nfunc main() { println(C.ANSWER) }\n")
		cmd := exec.Command(goCommand, "list", "-deps", ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+path, "GOFLAGS=-mod=readonly", "GOWORK=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", name, err, out)
		}
	}
	for _, name := range []string{"a\nb", "a\rb", "a\xffb"} {
		wantError(t, checkRepoPath("/"+name), "the path of the repository", "rename the folder")
	}
}
