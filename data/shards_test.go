package data

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestReadsWebDatasetsShards: testdata/make_webdataset.py wrote them with Python's webdataset.
func TestReadsWebDatasetsShards(t *testing.T) {
	for _, c := range []struct {
		name, path        string
		classes, problems []string
		samples           []string // path within the folder and class
	}{
		{"cls", "cls-{000000..000001}.tar", []string{"0", "1", "2"}, nil, []string{
			"webdataset-cls-000000.tar/some/folder/000.jpg 0", "webdataset-cls-000000.tar/some/folder/001.jpg 1", "webdataset-cls-000000.tar/some/folder/002.jpg 2",
			"webdataset-cls-000001.tar/some/folder/003.jpg 0", "webdataset-cls-000001.tar/some/folder/004.jpg 1"}},
		{"json", "json.tar", []string{"0", "1", "2"}, []string{"no-image: a sample without an image", "no-label.jpg: a sample without a class"},
			[]string{"webdataset-json.tar/a.png 1", "webdataset-json.tar/b.jpeg 0", "webdataset-json.tar/c.jpg 2"}},
		{"names", "names.tar", []string{"cat", "dog"}, nil, []string{"webdataset-names.tar/dog0.jpg 1", "webdataset-names.tar/cat4096.jpg 0", "webdataset-names.tar/dog8192.jpg 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := Source{Path: "testdata/webdataset-" + c.path}.OpenVal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var samples []string
			for i, s := range d.Samples {
				samples = append(samples, fmt.Sprintf("%s %d", d.relative(s.Path), s.Class))
				content, err := d.ReadSample(t.Context(), i)
				if f, reason := formatOf(content); err != nil || reason != "" || f == formatPNG != strings.HasSuffix(s.Path, ".png") {
					t.Errorf("%s: %s%s, %v", s.Path, f, reason, err)
				}
			}
			if !slices.Equal(d.Classes, c.classes) || !slices.EqualFunc(samples, c.samples, func(a, b string) bool {
				return a == b || strings.Contains(b, "names.tar") && a[len(a)-1] == b[len(b)-1]
			}) {
				t.Errorf("classes %q, samples\n%q\nwant %q,\n%q", d.Classes, samples, c.classes, c.samples)
			}
			if len(d.Problems) != len(c.problems) {
				t.Errorf("problems %q", d.Problems)
			}
			for _, want := range c.problems {
				if !slices.ContainsFunc(d.Problems, func(p Problem) bool { return strings.Contains(p.Path+": "+p.Reason, want) }) {
					t.Errorf("problems %q, want one with %q", d.Problems, want)
				}
			}
		})
	}
}

// classFolderSets is a data set of train and val folders with so many images, some unreadable.
func classFolderSets(t *testing.T, train, val int) (trainSet, valSet *Dataset) {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("testdata/geometry/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for split, n := range map[string]int{"train": train, "val": val} {
		for i := range n {
			class := filepath.Join(dir, split, []string{"cat", "dog", "übel"}[i%3])
			content, err := os.ReadFile(files[i%len(files)])
			if err == nil {
				err = os.MkdirAll(class, 0o755)
			}
			if i%13 == 7 {
				content = content[:40]
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(class, fmt.Sprintf("%02d.x.JPEG", i)), content, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	trainSet, valSet, err = Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return trainSet, valSet
}

func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	return all
}

func writeShards(t *testing.T, dir string, train, val *Dataset, o ShardOptions) Sharded {
	t.Helper()
	done, err := WriteShards(t.Context(), dir, train, val, o)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestShardsHoldTheFolder(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	dir := t.TempDir()
	done := writeShards(t, dir, train, val, ShardOptions{PerShard: 9, Seed: 1})
	if done.Shards != 6 || done.Images != 44 || len(done.LeftOut) != 4 {
		t.Errorf("%+v", done)
	}
	shards, shardVal, err := Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, shards *Dataset }{{train, shards}, {val, shardVal}} {
		if !slices.Equal(c.folder.Classes, c.shards.Classes) {
			t.Errorf("classes %q", c.shards.Classes)
		}
		want, got := map[string]int{}, map[string]int{}
		for i, s := range c.folder.Samples {
			content, err := c.folder.ReadSample(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			if len(content) > 40 {
				want[fmt.Sprintf("%d %x", s.Class, sha256.Sum256(content))]++
			}
		}
		for i, s := range c.shards.Samples {
			content, err := c.shards.ReadSample(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			got[fmt.Sprintf("%d %x", s.Class, sha256.Sum256(content))]++
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the shards of %s hold other images", c.folder.Root)
		}
		sorted := slices.IsSortedFunc(c.shards.Samples, func(a, b Sample) int { return a.Class - b.Class })
		if sorted {
			t.Error("the images are not shuffled")
		}
	}
}

func TestWritingShardsIsDeterministicAndGoesOn(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	for _, o := range []ShardOptions{{PerShard: 9}, {PerShard: 9, MaxSide: 30, Quality: 80}} {
		one, two := t.TempDir(), t.TempDir()
		o.Workers = 1
		writeShards(t, one, train, val, o)
		want := hashes(t, one)
		o.Workers = 4
		writeShards(t, two, train, val, o)
		if got := hashes(t, two); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: workers change the bytes", o)
		}
		if err := os.Remove(filepath.Join(one, "train-000002.tar")); err != nil {
			t.Fatal(err)
		}
		if done := writeShards(t, one, train, val, o); done.Kept != 5 {
			t.Errorf("kept %d shards of those that were there, want 5", done.Kept)
		}
		if got := hashes(t, one); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v: what was gone on with differs", o)
		}
		o.Seed++
		if _, err := WriteShards(t.Context(), one, train, val, o); err == nil || !strings.Contains(err.Error(), "other images or options") {
			t.Errorf("another seed: error %v", err)
		}
	}
}

func TestMaxSideReducesLargeImagesAlone(t *testing.T) {
	train, val := classFolderSets(t, 26, 3)
	dir := t.TempDir()
	writeShards(t, dir, train, val, ShardOptions{MaxSide: 40})
	shards, _, err := Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string][2]int{}
	r := openReader(t)
	for _, s := range train.Samples {
		if r.openSample(t.Context(), s) == nil {
			stem := strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path))
			sizes[strings.ReplaceAll(stem, ".", "_")] = [2]int{r.width, r.height}
		}
	}
	reduced := 0
	for _, s := range shards.Samples {
		if err := r.openSample(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		_, stem, _ := strings.Cut(strings.TrimSuffix(filepath.Base(s.Path), ".jpg"), "-")
		stem = stem[strings.LastIndexByte(stem, '-')+1:]
		was, ok := sizes[stem]
		w, h := was[0], was[1]
		if max(w, h) > 40 {
			reduced++
			w, h = scaledTo(w, h, 40)
		}
		if !ok || r.width != w || r.height != h {
			t.Errorf("%s is %dx%d, was %v", s.Path, r.width, r.height, was)
		}
	}
	if reduced == 0 || reduced == len(shards.Samples) {
		t.Errorf("%d of %d images were reduced", reduced, len(shards.Samples))
	}
}

func TestReducedImagesKeepTheirOrientation(t *testing.T) {
	content, err := os.ReadFile("testdata/geometry/40x40.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for o := orientation(1); o <= 8; o++ {
		path := filepath.Join(t.TempDir(), "a.jpg")
		if err := os.WriteFile(path, withOrientation(slices.Clone(content), o), 0o644); err != nil {
			t.Fatal(err)
		}
		r := openReader(t)
		if err := r.open(path); err != nil {
			t.Fatal(err)
		}
		reduced, err := r.reduced(20, 90)
		if got := exifOrientation(formatJPEG, reduced); err != nil || got != o {
			t.Errorf("orientation %v became %v, %v", o, got, err)
		}
		if w, h, err := r.jpeg.Size(reduced); w != 20 || h != 20 || err != nil {
			t.Errorf("%dx%d, %v", w, h, err)
		}
	}
}

func TestShardsTrainLikeFolders(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	dir := t.TempDir()
	writeShards(t, dir, train, val, ShardOptions{PerShard: 7})
	d, _, err := Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, buffer := range []int{0, 1, 10, 1000} {
		o := training(0)
		o.ShuffleBuffer = buffer
		want := drain(t, newLoader(t, d, o), 2, 0)
		for _, workers := range []int{1, 3} {
			o.Workers = workers
			l := newLoader(t, d, o)
			for first := range len(want) + 1 {
				if got := drain(t, l, 2, first); !slices.Equal(got, want[first:]) {
					t.Errorf("buffer %d, %d workers, from batch %d: other batches", buffer, workers, first)
				}
			}
			if got := drain(t, l, 3, 0); slices.Equal(got, want) {
				t.Errorf("buffer %d: two epochs are the same", buffer)
			}
		}
	}
}

// TestStreamOrder: every sample once, no more shards at a time than a buffer touches, and
// neither the shards nor a buffer in their old order.
func TestStreamOrder(t *testing.T) {
	d := &Dataset{}
	for s := range 20 {
		for range 10 {
			d.Samples = append(d.Samples, Sample{part: part{in: localShard(fmt.Sprint(s))}})
		}
	}
	order := streamOrder(d, 25, newRandom(1, orderStream, 0))
	seen := make([]int, d.Len())
	for start := 0; start < len(order); start += 25 {
		shards := map[shard]bool{}
		now := order[start:min(start+25, len(order))]
		for _, i := range now {
			seen[i]++
			shards[d.Samples[i].part.in] = true
		}
		if len(shards) > 4 || slices.IsSorted(now) {
			t.Errorf("buffer at %d: %d shards, order %v", start, len(shards), now)
		}
	}
	for i, n := range seen {
		if n != 1 {
			t.Errorf("sample %d comes %d times", i, n)
		}
	}
	if again := streamOrder(d, 25, newRandom(1, orderStream, 0)); !slices.Equal(order, again) {
		t.Error("the order is not repeatable")
	}
}

func TestFindShards(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"flat/train-0.tar", "flat/train-1.tar", "flat/val-0.tar", "flat/shards.json", "split/train/0.tar", "split/val/0.tar",
		"one/a.tar", "one/b.tar", "classes/cat/1.jpg", "classes/backup.tar"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		path       string
		ok         bool
		train, val string
	}{
		{"flat", true, "flat/train-0.tar flat/train-1.tar", "flat/val-0.tar"},
		{"flat/train-{0..1}.tar", true, "flat/train-0.tar flat/train-1.tar", ""},
		{"flat/{train-{0..1},val-0}.tar", true, "flat/train-0.tar flat/train-1.tar", "flat/val-0.tar"},
		{"flat/val-0.tar", true, "flat/val-0.tar", ""},
		{"split", true, "split/train/0.tar", "split/val/0.tar"},
		{"one", true, "one/a.tar one/b.tar", ""},
		{"classes", false, "", ""},
		{"nowhere", false, "", ""},
	} {
		found, ok, err := findShards(filepath.Join(dir, c.path))
		text := func(paths []string) string { return strings.ReplaceAll(strings.Join(paths, " "), dir+"/", "") }
		if err != nil || ok != c.ok || text(found.train) != c.train || text(found.val) != c.val {
			t.Errorf("%s: %v %q %q, %v", c.path, ok, text(found.train), text(found.val), err)
		}
	}
	if _, _, err := findShards(filepath.Join(dir, "flat/train-{0..2}.tar")); err == nil || !strings.Contains(err.Error(), "train-2.tar") {
		t.Errorf("a missing shard: %v", err)
	}
}

func TestTheIndexOfShardsNoticesChanges(t *testing.T) {
	dir, cache := t.TempDir(), indexCache{dir: t.TempDir(), from: 1}
	path := filepath.Join(dir, "a.tar")
	write := func(members ...string) {
		t.Helper()
		if err := os.WriteFile(path, makeTar(t, members...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	open := func() *shardIndex {
		t.Helper()
		x, err := indexShards(t.Context(), dir, []string{path}, cache)
		if err != nil {
			t.Fatal(err)
		}
		return x[0]
	}
	write("a.jpg", "A", "a.cls", "1")
	first := open()
	kept := cache.path("shards", path)
	if _, err := os.Stat(kept); err != nil {
		t.Fatal("nothing was kept")
	}
	if again := open(); !reflect.DeepEqual(first, again) {
		t.Errorf("read back %+v, want %+v", again, first)
	}
	write("b.jpg", "A", "b.cls", "1") // of the same size
	if changed := open(); !slices.Equal(changed.Keys, []string{"b"}) {
		t.Errorf("keys %q", changed.Keys)
	}
	if err := os.WriteFile(kept, []byte("rubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed := open(); !slices.Equal(changed.Keys, []string{"b"}) {
		t.Errorf("keys %q", changed.Keys)
	}
}
