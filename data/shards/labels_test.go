package shards

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// labeled makes a folder with a shard of images with these labels, and returns the folder and the shard.
func labeled(t *testing.T, labels ...string) (dir, path string) {
	t.Helper()
	var members []string
	for i, label := range labels {
		members = append(members, fmt.Sprintf("%04d.jpg", i), "A", fmt.Sprintf("%04d.cls", i), label)
	}
	dir = t.TempDir()
	path = filepath.Join(dir, "a.tar")
	if err := os.WriteFile(path, makeTar(t, members...), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, path
}

func numbered(from, to int) (labels []string) {
	for n := from; n < to; n++ {
		labels = append(labels, fmt.Sprint(n))
	}
	return labels
}

func TestLabels(t *testing.T) {
	for _, c := range []struct {
		name    string
		labels  []string
		file    string // shards.json
		classes int
		counts  []int  // of the first classes
		problem string // "": none
		wantErr string // "": none
	}{
		{"numbers", numbered(0, 3), "", 3, []int{1, 1, 1}, "", ""},
		{"numbers from 1 on", numbered(1, 4), "", 4, []int{0, 1, 1, 1}, `1 of 4 classes have no image in these shards: "0"`, ""},
		{"a tenth of the numbers", append(numbered(0, 99), "999"), "", 1000, []int{1, 1}, "900 of 1000 classes have no image", ""},
		{"a small stray number", append(numbered(0, 3), "50"), "", 51, []int{1, 1, 1, 0}, "47 of 51 classes", ""},
		{"a stray number", append(numbered(0, 10), "1000000"), "", 0, nil, "", "a.tar/0010: its class is 1000000, but only 11 numbers"},
		{"a stray number below a thousand", append(numbered(0, 10), "999"), "", 0, nil, "", "a.tar/0010: its class is 999"},
		{"a number beyond any", append(numbered(0, 3), "123456789"), "", 0, nil, "", "a.tar/0003: its class is 123456789, and numbers must be below"},
		{"a stray number with a list of names", append(numbered(0, 2), "1000000"), `{"classes":["cat","dog"]}`, 2, []int{1, 1}, `its class "1000000" is not among the 2 classes`, ""},
		{"names", []string{"dog", "cat", "dog"}, "", 2, []int{1, 2}, "", ""},
		{"names in two Unicode forms", []string{"caf\u00e9", "cafe\u0301", "dog"}, "", 2, []int{2, 1}, "", ""},
		{"names that are not UTF-8", []string{"caf\xe8", "caf\xe9", "caf\xe9"}, "", 2, []int{1, 2}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, path := labeled(t, c.labels...)
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, shardsFile), []byte(c.file), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			d, err := Source{}.Open(t.Context(), dir, []string{path})
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) || !strings.Contains(err.Error(), dir) {
					t.Errorf("error %v, want %q", err, c.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if counts := d.Counts(); len(d.Classes) != c.classes || !slices.Equal(counts[:len(c.counts)], c.counts) {
				t.Errorf("%d classes of %d images, want %d of %d", len(d.Classes), counts[:min(len(counts), 5)], c.classes, c.counts)
			}
			if (c.problem == "") != (len(d.Problems) == 0) || !strings.Contains(fmt.Sprint(d.Problems), c.problem) {
				t.Errorf("problems %v, want %q", d.Problems, c.problem)
			}
		})
	}
}

func TestFindAssignsShardsToParts(t *testing.T) {
	for _, c := range []struct {
		name             string
		files            []string
		train, val, test int
	}{
		{"train and val", []string{"train-0.tar", "train-1.tar", "val-0.tar"}, 2, 1, 0},
		{"other names", []string{"Training-0.tar", "validation-0.tar", "test-0.tar"}, 1, 1, 1},
		{"further words", []string{"imagenet1k-train-0.tar", "imagenet1k-validation-0.tar"}, 1, 1, 0},
		{"further letters", []string{"trainShard0.tar", "valShard0.tar"}, 1, 1, 0},
		{"folders", []string{"Train/0.tar", "Val/0.tar", "Test/0.tar"}, 1, 1, 1},
		{"folders with further words", []string{"train-shards/0.tar", "dev_set/0.tar"}, 1, 1, 0},
		{"no parts", []string{"0.tar", "1.tar"}, 2, 0, 0},
		{"only test", []string{"test-0.tar"}, 1, 0, 0},
		{"a service folder beside the shards", []string{"train-0.tar", "val-0.tar", "__MACOSX/x", "@eaDir/x"}, 1, 1, 0},
		{"runs beside the shards", []string{"train-0.tar", "val-0.tar", "shards.json", "runs/x-1/events.jsonl", "runs/x-1/config.yaml", "runs/x-1/plot.png"}, 1, 1, 0},
		{"a folder without images beside the shards", []string{"train-0.tar", "val-0.tar", "docs/a/readme.txt"}, 1, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range c.files {
				path := filepath.Join(dir, f)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			found, ok, err := Source{Path: dir}.Find(t.Context())
			if err != nil || !ok || len(found.Train) != c.train || len(found.Val) != c.val || len(found.Test) != c.test {
				t.Errorf("%+v, %v, %v; want %d, %d and %d", found, ok, err, c.train, c.val, c.test)
			}
		})
	}
}
