package data

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestListImages: all images below a folder, without those of systems, hidden ones, and the runs and shards of this
// program.
func TestListImages(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.png", "a.JPG", "note.txt", "sub/deep/c.webp", "sub/._c.webp", "@eaDir/t.jpg", ".hidden/h.png",
		"__MACOSX/x.png", "run/config.yaml", "run/events.jsonl", "run/batch.png", "shards/shards.json", "shards/x.png"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(dir, "sub", "loop")); err != nil {
		t.Fatal(err)
	}
	paths, problems, err := ListImages(dir)
	for i := range paths {
		paths[i] = strings.TrimPrefix(paths[i], dir+"/")
	}
	if want := []string{"a.JPG", "b.png", "sub/deep/c.webp"}; err != nil || !slices.Equal(paths, want) {
		t.Errorf("%q, %v; want %q", paths, err, want)
	}
	if len(problems) != 7 { // all but note.txt
		t.Errorf("%d problems: %v", len(problems), problems)
	}
	if paths, _, err := ListImages(t.TempDir()); err != nil || len(paths) != 0 {
		t.Errorf("an empty folder: %q, %v", paths, err)
	}
	missing := filepath.Join(dir, "missing")
	if _, _, err := ListImages(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("a missing folder: %v", err)
	}
	if name := "caf\xe9\\xe9.png"; UnescapeName(EscapeName(name)) != name {
		t.Errorf("%q is escaped as %q", name, EscapeName(name))
	}
}
