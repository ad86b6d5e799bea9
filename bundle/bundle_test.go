package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"depthwise.dev/internal/atomicfile"
)

// chain compiles a program that needs a library that needs another one, with absolute search paths as those of setup, and
// returns its path and the folder of everything. The program prints 42.
func chain(t *testing.T) (program, dir string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("bundles are for Linux")
	}
	dir = t.TempDir()
	compile := func(source string, args ...string) {
		t.Helper()
		file := filepath.Join(dir, "source.c")
		if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("gcc", append([]string{"-g", file}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	here := "-L" + dir
	compile("int inner(void) { return 42; }", "-shared", "-fPIC", "-o", "libinner.so")
	compile("int inner(void); int outer(void) { return inner(); }", "-shared", "-fPIC", "-o", "libouter.so", here, "-linner",
		"-Wl,--disable-new-dtags,-rpath,"+dir)
	compile("#include <stdio.h>\nint outer(void); int main(void) { printf(\"%d\\n\", outer()); }", "-o", "program", here, "-louter",
		"-Wl,--enable-new-dtags,-rpath,"+dir+":/somewhere/else", "-Wl,--allow-shlib-undefined")
	return filepath.Join(dir, "program"), dir
}

// output runs a program.
func output(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestCreate: the copy runs where the originals are gone, and after it was moved.
func TestCreate(t *testing.T) {
	program, dir := chain(t)
	weights := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.WriteFile(weights, []byte("weights"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "out")
	var done, total int64
	made, err := Create(Options{Program: program, Output: to, Weights: weights, Progress: func(d, all int64) { done, total = d, all }})
	if err != nil {
		t.Fatal(err)
	}
	if done != total || total == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
	if _, ok := parseVersion("GLIBC_" + made.Glibc); !ok || made.Glibc == "0.0" {
		t.Errorf("glibc %q", made.Glibc)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "a folder")
	if err := os.Rename(to, moved); err != nil {
		t.Fatal(err)
	}
	if got := output(t, filepath.Join(moved, "bin", "program")); got != "42\n" {
		t.Errorf("the copy prints %q", got)
	}
	for _, name := range []string{"lib/libinner.so", "lib/libouter.so", "weights/w.safetensors", "README.txt", "Dockerfile", "depthwise-train.service", "depthwise-serve.service"} {
		if _, err := os.Stat(filepath.Join(moved, name)); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(moved, "lib")); err != nil || len(entries) != 2 {
		t.Errorf("lib has %v, %v: want the two libraries and none of glibc", entries, err)
	}
	readme, err := os.ReadFile(filepath.Join(moved, "README.txt"))
	if err != nil || !strings.Contains(string(readme), "predict --weights weights/w.safetensors") || !strings.Contains(string(readme), "glibc "+made.Glibc) {
		t.Errorf("README.txt: %v\n%s", err, readme)
	}
}

// TestCreateOfBundle: a bundle can be made of a bundle's program.
func TestCreateOfBundle(t *testing.T) {
	program, _ := chain(t)
	first, second := filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")
	if _, err := Create(Options{Program: program, Output: first}); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(Options{Program: filepath.Join(first, "bin/program"), Output: second}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if got := output(t, filepath.Join(second, "bin/program")); got != "42\n" {
		t.Errorf("the copy prints %q", got)
	}
}

// TestServer: a static program is bundled without libraries, and is not run meanwhile; the other files are those of a server.
func TestServer(t *testing.T) {
	dir := t.TempDir()
	source, program, ran := filepath.Join(dir, "s.c"), filepath.Join(dir, "serve"), filepath.Join(dir, "ran")
	if err := os.WriteFile(source, []byte("#include <stdio.h>\nint main(void) { fclose(fopen(\""+ran+"\", \"w\")); puts(\"42\"); return 0; }"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-static", source, "-o", program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	to := filepath.Join(t.TempDir(), "out")
	made, err := Create(Options{Program: program, Output: to, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ran); !os.IsNotExist(err) {
		t.Errorf("the program was run: %v", err)
	}
	if made.Glibc != "" || len(made.Files) != 1 {
		t.Errorf("%+v", made)
	}
	if got := output(t, filepath.Join(to, "bin", "serve")); got != "42\n" {
		t.Errorf("the copy prints %q", got)
	}
	entries, err := os.ReadDir(to)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := "Dockerfile README.txt bin depthwise-serve.service"; err != nil || strings.Join(names, " ") != want {
		t.Errorf("%v, %v; want %s", names, err, want)
	}
}

// TestArchive: the same program gives the same archive, whose files are below one folder.
func TestArchive(t *testing.T) {
	program, _ := chain(t)
	var archives [][]byte
	for range 2 {
		path := filepath.Join(t.TempDir(), "tool-1.tar.gz")
		if _, err := Create(Options{Program: program, Output: path}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, content)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of the same program differ")
	}
	zipped, err := gzip.NewReader(bytes.NewReader(archives[0]))
	if err != nil {
		t.Fatal(err)
	}
	executable := false
	for r := tar.NewReader(zipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(h.Name, "tool-1/") {
			t.Errorf("%s is not below tool-1", h.Name)
		}
		executable = executable || h.Name == "tool-1/bin/program" && h.Mode == 0o755
	}
	if !executable {
		t.Error("no executable tool-1/bin/program")
	}
}

func TestCreateRefuses(t *testing.T) {
	program, dir := chain(t)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(Options{Program: program, Output: full}); !errors.Is(err, atomicfile.ErrFolderExists) {
		t.Errorf("a folder that is not empty: %v", err)
	}
	if _, err := Create(Options{Program: program, Output: filepath.Join(t.TempDir(), "x"), Weights: "/none"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no weights: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "libinner.so")); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(Options{Program: program, Output: filepath.Join(t.TempDir(), "x")}); err == nil || !strings.Contains(err.Error(), "libinner.so") {
		t.Errorf("a library is missing: %v", err)
	}
}

func TestParseLibraries(t *testing.T) {
	const lines = `	linux-vdso.so.1 (0x00007fff)
	libb.so => /a folder/libb.so (0x00007f00)
	liba.so.1 => /x/y/liba.so.1.2 (0x00007f01)
	libc.so.6 => /lib/libc.so.6 (0x00007f02)
	/lib64/ld-linux-x86-64.so.2 (0x00007f03)
`
	got, err := parseLibraries(lines)
	if err != nil || len(got) != 2 || got[0] != (library{"liba.so.1", "/x/y/liba.so.1.2"}) || got[1] != (library{"libb.so", "/a folder/libb.so"}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"missing", "\tlibq.so => not found\n", "needs libq.so: not found"},
		{"GPU", "\tlibtorch_cuda.so => /t/libtorch_cuda.so (0x1)\n", ErrGPU.Error()},
	} {
		if _, err := parseLibraries(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for _, c := range []struct {
		name string
		want string // "": none
	}{
		{"GLIBC_2.34", "2.34"}, {"GLIBC_2.2.5", "2.2"}, {"GLIBC_PRIVATE", ""}, {"GLIBCXX_3.4.29", ""}, {"GLIBC_ABI_DT_RELR", ""}, {"GCC_3.0", ""},
	} {
		v, ok := parseVersion(c.name)
		if ok != (c.want != "") || ok && v.String() != c.want {
			t.Errorf("%s: %v, %v", c.name, v, ok)
		}
	}
	if v := (version{2, 9}).max(version{2, 34}).max(version{2, 10}); v != (version{2, 34}) {
		t.Errorf("the newest is %v", v)
	}
}

// TestEdited: whatever the sizes of the reads, the search path is replaced and the symbols for debuggers are zeros.
func TestEdited(t *testing.T) {
	original := []byte("0123/cache/torch/lib\x0089symbols.end")
	want := "0123$ORIGIN" + strings.Repeat("\x00", 9) + "\x0089" + strings.Repeat("\x00", 7) + ".end"
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, original, 0o644); err != nil {
		t.Fatal(err)
	}
	c := content{path, int64(len(original)), object{searchPath: 4, length: 16, unused: []span{{23, 30}}}, "$ORIGIN"}
	for size := 1; size <= len(original)+1; size++ {
		r, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := io.CopyBuffer(onlyWriter{&got, nil}, onlyReader{r}, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Fatalf("reads of %d: %q, want %q", size, &got, want)
		}
	}
	if got := c.stored(); got != int64(len(original))-7 {
		t.Errorf("%d bytes stored", got)
	}
}

// TestSparse: a file with holes reads as what was written.
func TestSparse(t *testing.T) {
	content := bytes.Repeat([]byte{0}, 5*hole)
	content[0], content[3*hole+7] = 1, 2
	path := filepath.Join(t.TempDir(), "f")
	e := entry{"f", false, int64(len(content)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
	if err := writeEntry(path, e, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	e.size++
	if err := writeEntry(path+"2", e, nil); err == nil || !strings.Contains(err.Error(), "changed while it was copied") {
		t.Errorf("a file that became shorter: %v", err)
	}
}

func TestIsArchive(t *testing.T) {
	for path, want := range map[string]string{"a.tar.gz": "a", "/x/b-1.2.TGZ": "b-1.2", "c": "", "d.gz": "", "/x/.tar.gz": "", "e.tar.gz/": "e"} {
		if got := archiveRoot(path); got != want || IsArchive(path) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", path, got, IsArchive(path), want)
		}
	}
}
