package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOutFolder(t *testing.T) {
	for _, c := range []struct {
		name   string
		taken  []string
		config Config
		want   string
	}{
		{"given", []string{"photos-1"}, Config{Data: "photos", Out: "here"}, "here"},
		{"first", nil, Config{Data: "/data/photos/"}, "runs/photos-1"},
		{"next", []string{"photos-1", "photos-2", "birds-7", "photos-x", "photos"}, Config{Data: "photos"}, "runs/photos-3"},
		{"a gap stays", []string{"photos-3"}, Config{Data: "photos"}, "runs/photos-4"},
		{"resume the last", []string{"photos-1", "photos-10", "photos-9"}, Config{Data: "photos", Resume: "auto"}, "runs/photos-10"},
		{"resume nothing", nil, Config{Data: "mnist", Resume: "auto"}, "runs/mnist-1"},
		{"resume a file elsewhere", []string{"photos-1"}, Config{Data: "photos", Resume: "x.safetensors"}, "runs/photos-2"},
		{"root", nil, Config{Data: "/"}, "runs/data-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, run := range c.taken {
				if err := os.MkdirAll(filepath.Join("runs", run), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			got, err := c.config.OutFolder()
			if err != nil {
				t.Fatal(err)
			}
			if filepath.ToSlash(got) != c.want {
				t.Errorf("OutFolder() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheRunsFolderIsNamedAfterTheShards(t *testing.T) {
	for path, want := range map[string]string{"photos": "photos", "/x/photos/train-{0..3}.tar": "/x/photos", "s3://bucket/photos/{train,val}-{0..3}.tar?region=x": "s3://bucket/photos",
		"/x/photos/a.tar::b.tar": "/x/photos"} {
		if got := dataName(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
