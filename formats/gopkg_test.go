package formats

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/gopackage"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// TestGoPackage: the same weights give the same files, whose metadata hold the origin; they cannot be read as weights.
func TestGoPackage(t *testing.T) {
	w := weightstest.New(t)
	if err := w.SetPublishedOrigin(weights.Origin{Name: "somewhere/net", License: "apache-2.0"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(file); err != nil {
		t.Fatal(err)
	}
	var first map[string]string
	for range 2 {
		out := filepath.Join(t.TempDir(), "Bird-1")
		if err := Export(ExportOptions{Weights: file, Output: out, Format: "go", WriteOptions: WriteOptions{DType: BFloat16}}); err != nil {
			t.Fatal(err)
		}
		files := readFolder(t, out)
		if first == nil {
			first = files
		}
		if !maps.Equal(first, files) {
			t.Error("files differ between two exports")
		}
		if !strings.Contains(files["go.mod"], "module example.com/bird1\n") || !strings.Contains(files["README.md"], "somewhere/net") ||
			!strings.Contains(files[gopackage.WeightsFile], `"origin":`) {
			t.Errorf("go.mod %q, README %q", files["go.mod"], files["README.md"])
		}
		for _, path := range []string{out, filepath.Join(out, gopackage.WeightsFile)} {
			if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "can only be written: name what it was exported from") {
				t.Errorf("reading %s: %v", path, err)
			}
		}
		if err := Export(ExportOptions{Weights: file, Output: out, Format: "go"}); err == nil || !strings.Contains(err.Error(), atomicfile.ErrFolderExists.Error()) {
			t.Errorf("exporting again: %v", err)
		}
	}
}

// TestGoPackageInModule: below a go.mod the package belongs to its module.
func TestGoPackageInModule(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("// text\nmodule \"example.org/shop\" // text\n\ngo 1.24\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(root, "a_b")
	f, err := ByName("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(out, weightstest.New(t), WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	files := readFolder(t, out)
	if _, ok := files["go.mod"]; ok || !strings.Contains(files["cmd/serve/main.go"], `"example.org/shop/a_b"`) {
		t.Errorf("files %q", slices.Sorted(maps.Keys(files)))
	}
}

// TestGoPackageRefuses: weights beyond bfloat16 and paths that go does not accept.
func TestGoPackageRefuses(t *testing.T) {
	f, err := ByName("go")
	if err != nil {
		t.Fatal(err)
	}
	large := weightstest.New(t)
	values, err := checkpoints.Values[float32](large.Arrays[len(large.Arrays)-2])
	if err != nil {
		t.Fatal(err)
	}
	values[0] = 3.4e38
	if err := f.Write(filepath.Join(t.TempDir(), "x"), large, WriteOptions{DType: BFloat16}); err == nil || !strings.Contains(err.Error(), `weight 0 of layer "classifier", 3.4e+38, is beyond bfloat16: use --dtype fp32`) {
		t.Errorf("beyond bfloat16: %v", err)
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module a.b/c\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(filepath.Join(root, "my flowers"), weightstest.New(t), WriteOptions{}); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("a space in the import path: %v", err)
	}
}

// readFolder returns the files below a folder.
func readFolder(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
