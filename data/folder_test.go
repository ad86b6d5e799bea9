package data

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/names"
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
	var classes []string // as they are in Classes
	for _, c := range golden.Classes {
		if name := fromHex(t, c); !hidden(name) {
			classes = append(classes, names.Escape(name))
		}
	}
	if !reflect.DeepEqual(got.Classes, classes) {
		t.Errorf("classes\n%q, want\n%q", got.Classes, classes)
	}
	var want []Sample
	var problems []string // the differences from torchvision
	for _, s := range golden.Samples {
		path := fromHex(t, s[0].(string))
		if hidden(path) {
			problems = append(problems, filepath.Join(dir, path))
			continue
		}
		class := slices.Index(classes, names.Escape(fromHex(t, golden.Classes[int(s[1].(float64))])))
		want = append(want, Sample{Path: filepath.Join(dir, path), Class: class})
	}
	if !reflect.DeepEqual(got.Samples, want) || len(want) < 20 {
		t.Errorf("samples\n%v, want\n%v", got.Samples, want)
	}
	// The first of the hidden files of a folder stands for all.
	if want := []string{filepath.Join(dir, ".class/a.jpg"), filepath.Join(dir, "b/.hidden.png"), filepath.Join(dir, "b/.jpg")}; !slices.Equal(problems, want) {
		t.Fatalf("torchvision uses %q", problems)
	}
	problems = []string{filepath.Join(dir, ".class"), filepath.Join(dir, "b/.hidden.png")}
	var skipped []string
	for _, p := range got.Problems {
		skipped = append(skipped, p.Path)
	}
	if !reflect.DeepEqual(skipped, problems) {
		t.Errorf("problems %q, want %q", skipped, problems)
	}
}

// hidden reports what torchvision uses and this package skips.
func hidden(path string) bool {
	return strings.HasPrefix(path, ".") || strings.HasSuffix(path, "/.hidden.png") || strings.HasSuffix(path, "/.jpg")
}

func TestOpenFolderNamesProblems(t *testing.T) {
	dir := datatest.EmptyFiles(t, "a/1.jpg", "b/1.jpg", "elsewhere.jpg")
	datatest.MakeFolders(t, dir, ".ipynb_checkpoints")
	if err := errors.Join(
		os.Symlink("nowhere", filepath.Join(dir, "a", "dangling.jpg")),
		os.Symlink("nowhere", filepath.Join(dir, "a", "dangling.txt")),
		os.Symlink("../elsewhere.jpg", filepath.Join(dir, "a", "link.jpg")),
		os.Symlink("..", filepath.Join(dir, "b", "up")),
		os.Symlink("nowhere", filepath.Join(dir, "owl")),
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
		".ipynb_checkpoints":      "a hidden folder",
		"a/dangling.jpg":          string(sys.Dangling),
		"b/fifo.jpg":              string(sys.Special),
		"b/up/a/dangling.jpg":     string(sys.Dangling),
		"owl":                     string(sys.Dangling),
		"elsewhere.jpg":           "an image beside the class folders has no class",
		"b/up/b":                  "a link to a folder that contains it",
		"b/up/.ipynb_checkpoints": "a hidden folder",
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
		{"service folders alone", datatest.EmptyFiles(t, "__MACOSX/a/._1.jpg", ".thumbnails/1.jpg"), "no class folders"},
		{"empty classes", empty, `2 of 3 class folders contain no image: "b", "c"`},
		{"a class of hidden files", datatest.EmptyFiles(t, "a/1.jpg", "b/._1.jpg"), `contain no image: "b"`},
		{"an empty class that is not UTF-8", datatest.EmptyFiles(t, "a/1.jpg", "b\xff/1.txt"), `contain no image: "b\xff"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := OpenFolder(c.dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.dir) {
				t.Errorf("error %v, want the folder and %q", err, c.want)
			}
		})
	}
}

func TestOpenFolderRefusesUnreadableClasses(t *testing.T) {
	for _, c := range []struct {
		name, folder string // that cannot be read
		wantErr      string
	}{
		{"a class", "b", "1 of 2 class folders cannot be read"},
		{"the only folder of a class", "b/below", "1 of 2 class folders cannot be read"},
		{"one of two folders of a class", "a/below", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, "a/1.jpg", "a/below/2.jpg", "b/below/1.jpg")
			disk := datatest.RestoreDisk(t)
			sys.Disk.ReadDir = func(path string) ([]fs.DirEntry, error) { // the superuser may read everything
				if path == filepath.Join(dir, c.folder) {
					return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
				}
				return disk.ReadDir(path)
			}
			d, err := OpenFolder(dir)
			if c.wantErr == "" {
				if err != nil || len(d.Problems) != 1 || d.Problems[0].Reason != "permission denied" {
					t.Errorf("%+v, error %v, want a problem", d, err)
				}
				return
			}
			for _, want := range []string{c.wantErr, filepath.Join(dir, c.folder) + ": permission denied", "chmod"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

func TestOpenFolderSkipsServiceFolders(t *testing.T) {
	run := []string{"config.yaml", "events.jsonl", "metrics.csv", "best.safetensors", "checkpoints/step-1.safetensors", "chart.png"}
	for _, c := range []struct {
		name    string
		files   []string
		skipped map[string]string // relative path: part of the reason
	}{
		{"runs", under("runs/photos-1/", run), map[string]string{"runs": "a training run"}},
		{"two runs", append(under("runs/1/", run), under("runs/2/", run)...), map[string]string{"runs": "a training run"}},
		{"a run beside the classes", under("run/", run), map[string]string{"run": "a training run"}},
		{"a run that starts", []string{"run/checkpoints/x", "run/.lock"}, map[string]string{"run": "a training run"}},
		{"a run that failed at its start", []string{"run/config.yaml", "run/checkpoints/.lock"}, map[string]string{"run": "a training run"}},
		{"shards", []string{"shards/shards.json", "shards/train-000000.tar"}, map[string]string{"shards": "shards"}},
		{"a run in a class", under("cat/run/", run), map[string]string{"cat/run": "a training run"}},
		{"an archive of macOS", []string{"__MACOSX/cat/._1.jpg", "cat/._1.jpg", "cat/.DS_Store"}, map[string]string{"__MACOSX": "macOS", "cat/._1.jpg": "a macOS resource fork"}},
		{"a disk of macOS", []string{"cat/._1.jpg", "cat/._2.jpg", "cat/._3.jpg"}, map[string]string{"cat/._1.jpg": "a macOS resource fork, not an image (and 2 more in this folder)"}},
		{"a Synology disk", []string{"@eaDir/cat/1.jpg", "cat/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/1.jpg"},
			map[string]string{"#recycle": "deleted", "@eaDir": "thumbnails", "cat/@eaDir": "thumbnails"}},
		{"Jupyter", []string{".ipynb_checkpoints/1.jpg", "dog/.ipynb_checkpoints/1-checkpoint.jpg"}, map[string]string{".ipynb_checkpoints": "hidden", "dog/.ipynb_checkpoints": "hidden"}},
		{"the root of a disk", []string{"lost+found/1.jpg", ".Trash-1000/files/1.jpg", "$RECYCLE.BIN/1.jpg", "System Volume Information/x"},
			map[string]string{"lost+found": "service", ".Trash-1000": "hidden", "$RECYCLE.BIN": "service", "System Volume Information": "service"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := datatest.EmptyFiles(t, append(c.files, "cat/1.jpg", "dog/1.jpg")...)
			d, err := OpenFolder(dir)
			if err != nil {
				t.Fatal(err)
			}
			wantFiles(t, d, dir, "cat/1.jpg", "dog/1.jpg")
			if !slices.Equal(d.Classes, []string{"cat", "dog"}) || len(d.Problems) != len(c.skipped) {
				t.Errorf("classes %q, problems %v; want %v", d.Classes, d.Problems, c.skipped)
			}
			for _, p := range d.Problems {
				rel, _ := filepath.Rel(dir, p.Path)
				if want := c.skipped[rel]; want == "" || !strings.Contains(p.Reason, want) {
					t.Errorf("problem %v, want %q", p, want)
				}
			}
		})
	}
}

func under(dir string, files []string) (paths []string) {
	for _, f := range files {
		paths = append(paths, dir+f)
	}
	return paths
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
