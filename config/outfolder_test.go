package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
			_, before := os.Stat(c.want)
			got, created, err := c.config.OutFolder()
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(got); c.config.Out == "" && (err != nil || !info.IsDir() || created != (before != nil)) {
				t.Errorf("created is %v: %v, before %v", created, err, before)
			}
			if filepath.ToSlash(got) != c.want {
				t.Errorf("OutFolder() = %q, want %q", got, c.want)
			}
		})
	}
}

// TestOutInData: a run in a class would become an image of it, and one in the data set's folder would hide the data set.
func TestOutInData(t *testing.T) {
	dir := t.TempDir()
	class := filepath.Join(dir, "cat")
	if err := os.MkdirAll(filepath.Join(class, "kittens"), 0o755); err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]bool{dir: false, class: false, filepath.Join(class, "kittens"): true, filepath.Join(dir, "run"): true} {
		if _, _, err := (Config{Data: dir, Out: out}).OutFolder(); (err == nil) != want || err != nil && !strings.Contains(err.Error(), "--out "+filepath.Join(out, "run")) {
			t.Errorf("%s: error %v", out, err)
		}
	}
}

// TestRunsThatStartTogether: each gets a folder of its own.
func TestRunsThatStartTogether(t *testing.T) {
	t.Chdir(t.TempDir())
	const runs = 6
	var wg sync.WaitGroup
	var folders [runs]string
	for i := range runs {
		wg.Go(func() {
			dir, created, err := Config{Data: "photos"}.OutFolder()
			if folders[i] = dir; err != nil || !created {
				t.Errorf("run %d: %q, created %v, %v", i, dir, created, err)
			}
		})
	}
	wg.Wait()
	slices.Sort(folders[:])
	if want := []string{"runs/photos-1", "runs/photos-2", "runs/photos-3", "runs/photos-4", "runs/photos-5", "runs/photos-6"}; !slices.Equal(folders[:], want) {
		t.Errorf("folders %q, want %q", folders, want)
	}
}

func TestOutFolderThatCannotBeCreated(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("runs", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (Config{Data: "photos"}).OutFolder(); err == nil || !strings.Contains(err.Error(), "runs") || !strings.Contains(err.Error(), "--out") {
		t.Errorf("error %v, want the folder and --out", err)
	}
}

func TestRunName(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"p/x:y", "p/x?z", "p/x{0..3}", "p/x", "p/x.tar", "p/a::b", "p/c/train.tar"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"photos": "photos", "photos/": "photos", "mnist": "mnist", "/": "data",
		"p/x:y": "x:y", "p/x?z": "x?z", "p/x{0..3}": "x{0..3}", "p/x": "x", "p/x.tar": "x.tar", "p/a::b": "a::b", // folders
		"p/new:y": "new:y", "p/new?z": "new?z", // that do not exist
		"/x/photos/train-{0..3}.tar": "photos", "/x/photos/a.tar::b.tar": "photos", "p/c/{a,b}.tar": "c", "p/x/a.tar": "x",
		"s3://bucket/photos/{train,val}-{0..3}.tar?region=x": "photos", "s3://bucket/photos?region=x": "photos", "s3://bucket/photos/": "photos",
		"s3://bucket/train-0.tar": "bucket", "s3://bucket?region=x": "bucket",
	} {
		if got, err := runName(path); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
}

// TestDataMissing: only a folder that should be on this machine's disks can be missing.
func TestDataMissing(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	for _, tc := range []struct {
		name, data string
		want       bool
	}{
		{"a folder", here, false},
		{"no folder", here + "/none", true},
		{"a pattern in a folder", here + "/train-{0..3}.tar", false},
		{"a pattern in no folder", here + "/none/train-{0..3}.tar", true},
		{"a pattern in the working folder", "train-{0..3}.tar", false},
		{"a shard in no folder", "none/train-0.tar", true},
		{"an address", "s3://bucket/none", false},
		{"mnist", MNIST, false},
	} {
		if got := (Config{Data: tc.data}).DataMissing(); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
