package sorting

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/data"
)

// files lists the files below a folder with their contents.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, relErr := filepath.Rel(dir, path)
		if relErr != nil {
			return relErr
		}
		list = append(list, name+"="+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestCopy: copies never replace a file of other content, and a second run changes nothing.
func TestCopy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sorted")
	images := []struct{ class, name, content string }{
		{"cat", "a/1.jpg", "one"},
		{"cat", "b/1.jpg", "two"},
		{"cat", "c/1.jpg", "one"}, // the first again
		{"cat", "d/1.jpg", "three"},
		{"dog", "a/1.jpg", "one"},
		{"Cat", "a/1.jpg", "one"}, // another class, one folder on some disks
		{"cats/dogs", "shard-0.tar/x/2.png", "four"},
		{"..", "https://host/3.gif?size=3", "five"},
		{"", "../..", "\xff\xd8\xff"},
	}
	want := []string{
		`Cat-2/1.jpg=one`,
		`\x2e./3.gif=five`,
		"cat/1-2.jpg=two", "cat/1-3.jpg=three", "cat/1.jpg=one",
		`cats\x2fdogs/2.png=four`,
		"dog/1.jpg=one",
		"unnamed/image.jpg=\xff\xd8\xff",
	}
	for range 2 {
		f := New(dir, []string{"cat", "Cat"})
		for _, image := range images {
			if _, err := f.Copy(image.class, Image{Name: image.name, Content: []byte(image.content)}); err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		if got := files(t, dir); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("\n%q, want\n%q", got, want)
		}
	}
}

// TestCopyKeepsTheTime: a copy of a photograph has its time, and is a new file.
func TestCopyKeepsTheTime(t *testing.T) {
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	path, err := New(t.TempDir(), nil).Copy("a", Image{Name: "x.jpg", Content: []byte("x"), Modified: at})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(at) {
		t.Errorf("%v, %v", info.ModTime(), err)
	}
}

// TestCopyBesideOthers: what is in the way stays.
func TestCopyBesideOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "1.jpg"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "a", "1-2.jpg")); err != nil {
		t.Fatal(err)
	}
	path, err := New(dir, nil).Copy("a", Image{Name: "1.jpg", Content: []byte("x")})
	if err != nil || path != filepath.Join(dir, "a", "1-3.jpg") {
		t.Errorf("%s, %v", path, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir, nil).Copy("b", Image{Name: "1.jpg"}); err == nil || !strings.Contains(err.Error(), "b") {
		t.Errorf("a file in place of the class's folder: %v", err)
	}
}

// TestFolderName: the folder of a class is one name, and gives the class again.
func TestFolderName(t *testing.T) {
	for _, class := range []string{"cat", "straße", "tench, Tinca tinca", `caf\xe9`, "cats/dogs", "..", ".", ".hidden", "a\x00b"} {
		name := FolderName(class)
		if strings.ContainsAny(name, "/\x00") || strings.HasPrefix(name, ".") || data.EscapeName(name) != class && data.UnescapeName(name) != class {
			t.Errorf("%q: %q", class, name)
		}
	}
}

// TestFileName covers names from archives and addresses, which may be hostile.
func TestFileName(t *testing.T) {
	for _, c := range []struct{ name, content, want string }{
		{"dir/a.jpg", "", "a.jpg"},
		{"-", "\x89PNG\r\n\x1a\n", "image.png"},
		{"s3://bucket/photo?versionId=3", "GIF89a", "photo.gif"},
		{"https://host/", "GIF89a", "host.gif"},
		{"t.tar/../../etc/passwd", "", "passwd"},
		{"t.tar/..", "BM", "image.bmp"},
		{"t.tar/.hidden.png", "", "hidden.png"},
		{"photo.JPG", "\x89PNG\r\n\x1a\n", "photo.JPG"},
	} {
		if got := FileName(c.name, []byte(c.content)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a/b.jpg", "cats/dogs")
	f.Fuzz(func(t *testing.T, name, class string) {
		file, folder := FileName(name, nil), FolderName(class)
		for _, n := range []string{file, folder} {
			if n == "" || strings.ContainsAny(n, "/\x00") || strings.HasPrefix(n, ".") {
				t.Errorf("%q, %q: %q", name, class, n)
			}
		}
	})
}
