package shards

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/index"
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
			d := openAll(t, "testdata/webdataset-"+c.path)
			var samples []string
			for i, s := range d.Samples {
				samples = append(samples, fmt.Sprintf("%s %d", strings.TrimPrefix(s.Path, d.Root+"/"), s.Class))
				content, err := d.ReadSample(t.Context(), i)
				if png := bytes.HasPrefix(content, []byte("\x89PNG")); err != nil || png != strings.HasSuffix(s.Path, ".png") || !png && !bytes.HasPrefix(content, []byte("\xff\xd8")) {
					t.Errorf("%s: %.8q, %v", s.Path, content, err)
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
				if !slices.ContainsFunc(d.Problems, func(p data.Problem) bool { return strings.Contains(p.Path+": "+p.Reason, want) }) {
					t.Errorf("problems %q, want one with %q", d.Problems, want)
				}
			}
		})
	}
}

// classFolderSets is a data set of train and val folders with so many images, some unreadable.
func classFolderSets(t *testing.T, train, val int) (trainSet, valSet *data.Dataset) {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob("../testdata/geometry/*.jpg")
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
	trainSet, err = data.OpenFolder(filepath.Join(dir, "train"))
	if err != nil {
		t.Fatal(err)
	}
	valSet, err = data.OpenFolder(filepath.Join(dir, "val"))
	if err != nil {
		t.Fatal(err)
	}
	return trainSet, valSet
}

// openBoth opens the shards at a path.
func openBoth(t *testing.T, path string) (train, val *data.Dataset) {
	t.Helper()
	found, ok, err := Source{Path: path}.Find(t.Context())
	if err != nil || !ok {
		t.Fatalf("%s: no shards, %v", path, err)
	}
	if train, err = (Source{}).Open(t.Context(), found.Root, found.Train); err != nil {
		t.Fatal(err)
	}
	if len(found.Val) > 0 {
		if val, err = (Source{}).Open(t.Context(), found.Root, found.Val); err != nil {
			t.Fatal(err)
		}
	}
	return train, val
}

func openAll(t *testing.T, path string) *data.Dataset {
	t.Helper()
	all, _ := openBoth(t, path)
	return all
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

func writeShards(t *testing.T, dir string, train, val *data.Dataset, o Options) Result {
	t.Helper()
	done, err := Write(t.Context(), dir, train, val, o)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestShardsEqualTheFolder(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	dir := t.TempDir()
	done := writeShards(t, dir, train, val, Options{PerShard: 9, Seed: 1})
	if done.Shards != 6 || done.Images != 44 || len(done.Skipped) != 4 {
		t.Errorf("%+v", done)
	}
	shards, shardVal := openBoth(t, dir)
	for _, c := range []struct{ folder, shards *data.Dataset }{{train, shards}, {val, shardVal}} {
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
		sorted := slices.IsSortedFunc(c.shards.Samples, func(a, b data.Sample) int { return a.Class - b.Class })
		if sorted {
			t.Error("the images are not shuffled")
		}
	}
}

func TestWriteIsDeterministicAndResumes(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	for _, o := range []Options{{PerShard: 9}, {PerShard: 9, MaxSide: 30, Quality: 80}} {
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
		if _, err := Write(t.Context(), one, train, val, o); err == nil || !strings.Contains(err.Error(), "other images or options") {
			t.Errorf("another seed: error %v", err)
		}
	}
}

// TestNoShardsInARun: the folder of a run is not read as a data set.
func TestNoShardsInARun(t *testing.T) {
	train, val := classFolderSets(t, 4, 2)
	dir := t.TempDir()
	for _, name := range []string{"config.yaml", "events.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Write(t.Context(), dir, train, val, Options{}); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("error %v", err)
	}
}

func TestMaxSideReducesOnlyLargeImages(t *testing.T) {
	train, val := classFolderSets(t, 26, 3)
	dir := t.TempDir()
	writeShards(t, dir, train, val, Options{MaxSide: 40})
	shards, _ := openBoth(t, dir)
	sizes := map[string][2]int{}
	r := newReader(t)
	for _, s := range train.Samples {
		if r.Open(t.Context(), s) == nil {
			stem := strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path))
			sizes[strings.ReplaceAll(stem, ".", "_")] = sizeOf(r)
		}
	}
	reduced := 0
	for _, s := range shards.Samples {
		if err := r.Open(t.Context(), s); err != nil {
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
		if got := sizeOf(r); !ok || got != [2]int{w, h} {
			t.Errorf("%s is %v, was %v", s.Path, got, was)
		}
	}
	if reduced == 0 || reduced == len(shards.Samples) {
		t.Errorf("%d of %d images were reduced", reduced, len(shards.Samples))
	}
}

func TestReducedImagesKeepTheirOrientation(t *testing.T) {
	content, err := os.ReadFile("../testdata/geometry/40x40.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for o := 1; o <= 8; o++ {
		path := filepath.Join(t.TempDir(), "a.jpg")
		if err := os.WriteFile(path, withOrientation(slices.Clone(content), o), 0o644); err != nil {
			t.Fatal(err)
		}
		r := newReader(t)
		if err := r.Open(t.Context(), data.Sample{Path: path}); err != nil {
			t.Fatal(err)
		}
		small, err := reduced(r, 20, 90)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, small, 0o644); err != nil {
			t.Fatal(err)
		}
		err = r.Open(t.Context(), data.Sample{Path: path})
		if got := r.PendingOrientation(); err != nil || got != o || sizeOf(r) != [2]int{20, 20} {
			t.Errorf("orientation %v became %v, %v, %v", o, got, sizeOf(r), err)
		}
	}
}

func newReader(t *testing.T) *data.ImageReader {
	t.Helper()
	r, err := data.NewImageReader()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func sizeOf(r *data.ImageReader) [2]int {
	w, h := r.Size()
	return [2]int{w, h}
}

// training returns options with random crops and flips in a random order.
func training(workers int) data.LoaderOptions {
	return data.LoaderOptions{
		BatchSize: 4, Workers: workers, Prefetch: 2, Seed: 11, Train: true,
		Preprocess: data.Preprocess{Resolution: 24},
		Augment:    data.Augment{Crop: true, CropScale: [2]float64{0.08, 1}, CropRatio: [2]float64{3. / 4, 4. / 3}, Flip: 0.5},
	}
}

func newLoader(t testing.TB, d *data.Dataset, o data.LoaderOptions) *data.Loader {
	t.Helper()
	l, err := data.NewLoader(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// drain returns a description of every batch, pixels as a hash.
func drain(t testing.TB, l *data.Loader, epoch, first int) []string {
	t.Helper()
	it := l.Epoch(t.Context(), epoch, first)
	defer it.Close()
	all := []string{}
	for {
		b, err := it.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(b.Index, b.Samples, b.Labels, b.Skipped, sha256.Sum256(b.Pixels)))
	}
}

func TestShardsTrainLikeFolders(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	dir := t.TempDir()
	writeShards(t, dir, train, val, Options{PerShard: 7})
	d, _ := openBoth(t, dir)
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

func TestFindShards(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"flat/train-0.tar", "flat/train-1.tar", "flat/val-0.tar", "flat/shards.json", "split/train/0.tar", "split/val/0.tar",
		"one/a.tar", "one/b.tar", "classes/cat/1.jpg", "classes/backup.tar",
		"both/cat/1.jpg", "both/train-0.tar", "both/shards.json", "deep/train/cat/1.jpg", "deep/backup.tar"} {
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
		{"deep", false, "", ""},
		{"nowhere", false, "", ""},
	} {
		found, ok, err := findLocal(filepath.Join(dir, c.path))
		text := func(paths []string) string { return strings.ReplaceAll(strings.Join(paths, " "), dir+"/", "") }
		if err != nil || ok != c.ok || text(found.Train) != c.train || text(found.Val) != c.val {
			t.Errorf("%s: %v %q %q, %v", c.path, ok, text(found.Train), text(found.Val), err)
		}
	}
	if _, _, err := findLocal(filepath.Join(dir, "flat/train-{0..2}.tar")); err == nil || !strings.Contains(err.Error(), "train-2.tar") {
		t.Errorf("a missing shard: %v", err)
	}
	if _, _, err := findLocal(filepath.Join(dir, "both")); err == nil || !strings.Contains(err.Error(), "move one of the two elsewhere") {
		t.Errorf("shards beside class folders: %v", err)
	}
}

func TestShardIndexDetectsChanges(t *testing.T) {
	dir, cache := t.TempDir(), index.Cache{Dir: t.TempDir(), From: 1}
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
	kept := cache.Path("shards", path)
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

// TestWriteBesideImages: shards that could not be read where they are written are not written.
func TestWriteBesideImages(t *testing.T) {
	train, _ := classFolderSets(t, 2, 1)
	dir := filepath.Dir(train.Root)
	if _, err := Write(t.Context(), dir, train, nil, Options{}); err == nil || !strings.Contains(err.Error(), "a folder with images, train") {
		t.Errorf("error %v", err)
	}
	if tars, _ := tarsIn(dir); tars != nil {
		t.Errorf("wrote %q", tars)
	}
}

// TestPartOfShards: the folder of a part finds the class names in the folder above.
func TestPartOfShards(t *testing.T) {
	train, val := classFolderSets(t, 6, 6)
	dir := t.TempDir()
	writeShards(t, dir, train, val, Options{})
	test := filepath.Join(dir, "test")
	if err := errors.Join(os.Mkdir(test, 0o755), os.Rename(filepath.Join(dir, "val-000000.tar"), filepath.Join(test, "0.tar"))); err != nil {
		t.Fatal(err)
	}
	if got := openAll(t, test); got.Len() != val.Len() || !slices.Equal(got.Classes, val.Classes) {
		t.Errorf("%d images of %q, want %d of %q", got.Len(), got.Classes, val.Len(), val.Classes)
	}
}
