package data

import (
	"os"
	"path/filepath"
	"testing"
)

func TestIsPart(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	for _, name := range []string{"train/cat/0.jpg", "run/config.yaml", "run/events.jsonl", "shards/shards.json"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(elsewhere, "link")
	if err := os.Symlink(filepath.Join(root, "train"), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir, own string
		want           bool
	}{
		{"the data set", root, OwnRun, true},
		{"a part", root + "/train", OwnRun, true},
		{"a class", root + "/train/cat", OwnShards, true},
		{"a link to a part", link, OwnRun, true},
		{"a run", root + "/run", OwnRun, false},
		{"shards for a run", root + "/shards", OwnRun, true},
		{"shards for shards", root + "/shards", OwnShards, false},
		{"an empty folder", root + "/empty", OwnRun, false},
		{"no folder", root + "/new", OwnRun, false},
		{"another folder", elsewhere, OwnRun, false},
		{"the folder above", filepath.Dir(root), OwnRun, false},
	} {
		if got := IsPart(root, c.dir, c.own); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
