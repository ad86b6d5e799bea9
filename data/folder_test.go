package data

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
)

func TestOpenFolderListsAsTorchvision(t *testing.T) {
	var golden struct {
		Files, Classes []string
		Samples        [][2]any
	}
	readJSON(t, "testdata/folder.json", &golden)
	var files []string
	for _, f := range golden.Files {
		files = append(files, fromHex(t, f))
	}
	dir := datatest.EmptyFiles(t, files...)
	got, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var classes []string
	for _, c := range golden.Classes {
		classes = append(classes, fromHex(t, c))
	}
	if !reflect.DeepEqual(got.Classes, classes) {
		t.Errorf("classes\n%q, want\n%q", got.Classes, classes)
	}
	if got.Len() != len(golden.Samples) || got.Len() < 20 {
		t.Fatalf("%d samples, want %d", got.Len(), len(golden.Samples))
	}
	for i, s := range golden.Samples {
		want := Sample{Path: filepath.Join(dir, fromHex(t, s[0].(string))), Class: int(s[1].(float64))}
		if got.Samples[i] != want {
			t.Errorf("sample %d is %+v, want %+v", i, got.Samples[i], want)
		}
	}
	if len(got.Problems) != 0 {
		t.Errorf("problems: %q", got.Problems)
	}
}

func TestOpenFolderNamesProblems(t *testing.T) {
	dir := datatest.EmptyFiles(t, "a/1.jpg", "b/1.jpg", "elsewhere.jpg")
	datatest.MakeFolders(t, dir, ".ipynb_checkpoints")
	if err := errors.Join(
		os.Symlink("nowhere", filepath.Join(dir, "a", "dangling.jpg")),
		os.Symlink("nowhere", filepath.Join(dir, "a", "dangling.txt")),
		os.Symlink("../elsewhere.jpg", filepath.Join(dir, "a", "link.jpg")),
		os.Symlink("..", filepath.Join(dir, "b", "up")),
		syscall.Mkfifo(filepath.Join(dir, "b", "fifo.jpg"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	got, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	// b/up leads to the class folders a and b; b is above itself.
	wantFiles(t, got, dir, "a/1.jpg", "a/link.jpg", "b/1.jpg", "b/up/elsewhere.jpg", "b/up/a/1.jpg", "b/up/a/link.jpg")
	reasons := map[string]string{}
	for _, p := range got.Problems {
		rel, _ := filepath.Rel(dir, p.Path)
		reasons[rel] = p.Reason
	}
	want := map[string]string{
		".ipynb_checkpoints":  "a hidden folder without images: not a class",
		"a/dangling.jpg":      string(sys.Dangling),
		"b/fifo.jpg":          string(sys.Special),
		"b/up/a/dangling.jpg": string(sys.Dangling),
		"elsewhere.jpg":       "an image beside the class folders has no class",
		"b/up/b":              "a link to a folder that contains it",
	}
	if !reflect.DeepEqual(reasons, want) {
		t.Errorf("problems\n%q, want\n%q", reasons, want)
	}
}

func TestOpenFolderRefuses(t *testing.T) {
	empty := datatest.EmptyFiles(t, "a/1.jpg")
	datatest.MakeFolders(t, empty, "b", "c")
	for _, c := range []struct{ name, dir, want string }{
		{"a missing folder", filepath.Join(t.TempDir(), "none"), "no such file"},
		{"no class folders", datatest.EmptyFiles(t, "1.jpg"), "no class folders"},
		{"empty classes", empty, `2 of 3 class folders contain no image: "b", "c"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := OpenFolder(c.dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.dir) {
				t.Errorf("error %v, want the folder and %q", err, c.want)
			}
		})
	}
}

// wantFiles compares a data set's paths, relative to dir.
func wantFiles(t *testing.T, d *Dataset, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range d.Samples {
		rel, err := filepath.Rel(dir, s.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("files\n%q, want\n%q", got, want)
	}
}

func fromHex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
