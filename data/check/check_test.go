package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/data/internal/datatest"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/shards"
)

// scene draws a picture of smooth shapes that its seed decides, w x h.
func scene(seed uint64, w, h int) *image.NRGBA {
	rng := rand.New(rand.NewPCG(seed, 7))
	var waves [3][4]float64
	for c := range waves {
		waves[c] = [4]float64{4 + 9*rng.Float64(), 4 + 9*rng.Float64(), 6 * rng.Float64(), 60 + 60*rng.Float64()}
	}
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var v [3]uint8
			for c, a := range waves {
				v[c] = uint8(128 + a[3]*math.Sin(a[0]*float64(x)/float64(w)+a[2])*math.Cos(a[1]*float64(y)/float64(h)))
			}
			m.SetNRGBA(x, y, color.NRGBA{R: v[0], G: v[1], B: v[2], A: 255})
		}
	}
	return m
}

func encodeJPEG(m image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}

func writeJPEG(t testing.TB, path string, m image.Image, quality int) {
	t.Helper()
	content, err := encodeJPEG(m, quality)
	if err != nil {
		t.Fatal(err)
	}
	datatest.Write(t, path, content)
}

// pictures are an album's files: three classes of 12 images in train and 3 in val.
var pictures = sync.OnceValues(func() (fstest.MapFS, error) {
	files := fstest.MapFS{}
	seed := uint64(0)
	for _, split := range []struct {
		name string
		n    int
	}{{"train", 12}, {"val", 3}} {
		for _, class := range []string{"a", "b", "c"} {
			for i := range split.n {
				seed++
				content, err := encodeJPEG(scene(seed, 80, 60), 90)
				if err != nil {
					return nil, err
				}
				files[fmt.Sprintf("%s/%s/%d.jpg", split.name, class, i)] = &fstest.MapFile{Data: content, Mode: 0o600}
			}
		}
	}
	return files, nil
})

// album makes a clean data set of the pictures.
func album(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	files, err := pictures()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t testing.TB, dir string, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), datasets.Source{Path: dir}, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Seconds, r.Loading = 0, 0
	return r
}

func TestCheckOfACleanFolderFindsNothing(t *testing.T) {
	o := Options{Workers: 2, Loader: data.LoaderOptions{BatchSize: 4, Workers: 2, Train: true, Preprocess: data.Preprocess{Resolution: 24}}}
	r, err := Run(t.Context(), datasets.Source{Path: album(t)}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 0 || r.Serious() != 0 || r.Images != 45 || r.Loading <= 0 {
		t.Errorf("%+v", r)
	}
	text := r.Text()
	for _, want := range []string{"45 images", "36 images in 3 classes, 12 in each", "JPEG 45", "80x60 to 80x60, median 80x60", "no problems found"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// problem is a change of an album and the finding that it must cause.
type problem struct {
	name     string
	do       func(t testing.TB, dir string)
	severity Severity
	kind     string
	paths    []string // of the examples
}

func at(path string, what func(testing.TB, string)) func(testing.TB, string) {
	return func(t testing.TB, dir string) { what(t, filepath.Join(dir, path)) }
}

func copyTo(from, to string) func(testing.TB, string) {
	return func(t testing.TB, dir string) {
		datatest.Write(t, filepath.Join(dir, to), datatest.Read(t, filepath.Join(dir, from)))
	}
}

func remove(t testing.TB, path string) {
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

var problems = []problem{
	{"an empty file", at("train/a/0.jpg", datatest.Holding("")), Serious, "unreadable", []string{"train/a/0.jpg"}},
	{"a truncated file", at("val/a/0.jpg", datatest.Changed("../testdata/geometry/40x40.jpg", datatest.Half)), Serious, "unreadable", []string{"val/a/0.jpg"}},
	{"damage inside", at("train/a/1.jpg", datatest.Changed("../testdata/geometry/150x113.jpg", func(d []byte) []byte { return append(datatest.Half(d), 0xff, 0xd9) })), Warning, "damaged", []string{"train/a/1.jpg"}},
	{"a copy in val", copyTo("train/a/2.jpg", "val/a/copy.jpg"), Serious, "copies_in_train_and_val", []string{"val/a/copy.jpg"}},
	{"a smaller copy in val", at("val/a/small.jpg", func(t testing.TB, p string) { writeJPEG(t, p, scene(4, 50, 40), 60) }), Serious, "lookalikes_in_train_and_val", []string{"val/a/small.jpg"}},
	{"a PNG copy in val", at("val/b/copy.png", func(t testing.TB, p string) { datatest.WritePNG(t, p, scene(15, 80, 60)) }), Serious, "lookalikes_in_train_and_val", []string{"val/b/copy.png"}},
	{"another label", copyTo("train/a/3.jpg", "train/b/wrong.jpg"), Serious, "copies_with_two_labels", []string{"train/b/wrong.jpg"}},
	{"a copy in its class", copyTo("train/a/3.jpg", "train/a/again.jpg"), Warning, "copies", []string{"train/a/again.jpg"}},
	{"AVIF", at("train/c/x.avif", datatest.Copied("../testdata/troubles/photo.avif")), Warning, "left_out", []string{"train/c/x.avif"}},
	{"a blank image", at("train/c/blank.png", func(t testing.TB, p string) { datatest.WritePNG(t, p, image.NewGray(image.Rect(0, 0, 99, 99))) }), Warning, "blank", []string{"train/c/blank.png"}},
	{"a tiny image", at("train/c/tiny.png", func(t testing.TB, p string) { datatest.WritePNG(t, p, scene(99, 20, 20)) }), Warning, "tiny", []string{"train/c/tiny.png"}},
	{"a long image", at("train/c/long.png", func(t testing.TB, p string) { datatest.WritePNG(t, p, scene(98, 300, 40)) }), Warning, "elongated", []string{"train/c/long.png"}},
	{"another name", copyTo("train/c/0.jpg", "train/c/0.png"), Note, "named_otherwise", []string{"train/c/0.png"}},
	{"a turned image", at("train/c/turned.jpg", datatest.Copied("../testdata/exif/6.jpg")), Note, "turned", []string{"train/c/turned.jpg"}},
	{"an empty class", at("train/d", datatest.MakeFolder), Serious, "empty_class", []string{"train/d"}},
	{"an empty class of val", at("val/c", func(t testing.TB, p string) { remove(t, p); datatest.MakeFolder(t, p) }), Warning, "empty_class_in_val", []string{"val/c"}},
	{"a class without a readable image", at("train/d/1.jpg", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(p))
		datatest.Holding("")(t, p)
	}), Serious, "unreadable_class", []string{"train/d"}},
	{"a class of test alone", at("test/d/1.jpg", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(filepath.Dir(p)))
		datatest.MakeFolder(t, filepath.Dir(p))
		writeJPEG(t, p, scene(77, 80, 60), 90)
	}), Serious, "unknown_in_test", []string{"test/d"}},
	{"a copy in test", at("test/a", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(p))
		datatest.MakeFolder(t, p)
		copyTo("train/a/2.jpg", "test/a/copy.jpg")(t, filepath.Dir(filepath.Dir(p)))
	}), Serious, "copies_in_test", []string{"test/a/copy.jpg"}},
	{"a stray folder", at("notes", datatest.MakeFolder), Warning, "left_out", []string{"notes"}},
	{"a service folder", at("train/@eaDir", datatest.MakeFolder), Warning, "left_out", []string{"train/@eaDir"}},
	{"two folders of train", at("Train", datatest.MakeFolder), Serious, "layout", []string{"."}},
	{"a data set one level deeper", func(t testing.TB, dir string) {
		datatest.MakeFolder(t, filepath.Join(dir, "photos"))
		for _, split := range []string{"train", "val"} {
			if err := os.Rename(filepath.Join(dir, split), filepath.Join(dir, "photos", split)); err != nil {
				t.Fatal(err)
			}
		}
	}, Serious, "layout", []string{"."}},
	{"a small class", at("train/d/1.jpg", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(p))
		writeJPEG(t, p, scene(77, 80, 60), 90)
	}), Warning, "few_images", []string{"train/d"}},
	{"imbalance", at("train/d/1.jpg", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(p))
		writeJPEG(t, p, scene(77, 80, 60), 90)
	}), Warning, "imbalance", []string{"train/a", "train/d"}},
	{"a class like another", at("train/A/1.jpg", func(t testing.TB, p string) {
		datatest.MakeFolder(t, filepath.Dir(p))
		writeJPEG(t, p, scene(77, 80, 60), 90)
	}), Warning, "classes_named_alike", []string{"train/a"}},
	{"a class of val alone", func(t testing.TB, dir string) {
		if err := os.Rename(filepath.Join(dir, "val/c"), filepath.Join(dir, "val/see")); err != nil {
			t.Fatal(err)
		}
	}, Serious, "unknown_in_val", []string{"val/see"}},
	{"a class without val", at("val/c", remove), Warning, "missing_in_val", []string{"train/c"}},
	{"no val", at("val", remove), Serious, "no_val", []string{"val"}},
}

func TestCheckFindsEveryProblem(t *testing.T) {
	for _, s := range problems {
		t.Run(s.name, func(t *testing.T) {
			dir := album(t)
			s.do(t, dir)
			r := run(t, dir, Options{Workers: 1})
			var got []string
			for _, f := range r.Findings {
				if f.Kind != s.kind {
					continue
				}
				if f.Severity != s.severity || !strings.Contains(r.Text(), f.Text) {
					t.Errorf("%+v", f)
				}
				for _, e := range f.Examples {
					path, err := filepath.Rel(dir, e.Path)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, path)
				}
			}
			if !reflect.DeepEqual(got, s.paths) || (r.Serious() > 0) != (s.severity == Serious) {
				t.Errorf("found %q, want %q; all: %+v", got, s.paths, r.Findings)
			}
			if again := run(t, dir, Options{Workers: 4}); !reflect.DeepEqual(again, r) {
				t.Errorf("four workers find %+v, one %+v", again, r)
			}
		})
	}
}

func TestCheckOfFoldersWithoutSplitsAndOfShards(t *testing.T) {
	dir := album(t)
	r := run(t, filepath.Join(dir, "train"), Options{})
	if len(r.Splits) != 1 || r.Splits[0].Name != "all" || len(r.Findings) != 0 {
		t.Errorf("%+v", r)
	}
	train, val, err := datasets.Open(dir, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	tars := filepath.Join(t.TempDir(), "shards")
	if _, err := shards.Write(t.Context(), tars, train, val, shards.Options{PerShard: 10, Quality: 90}); err != nil {
		t.Fatal(err)
	}
	whole := run(t, dir, Options{})
	if got := run(t, tars, Options{}); got.Images != 45 || got.Mean != whole.Mean || got.Std != whole.Std || len(got.Findings) != 0 {
		t.Errorf("shards: %+v\nfolders: %+v", got, whole)
	}
}

func TestCheckMeasuresPixels(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []color.NRGBA{{51, 102, 153, 255}, {153, 102, 255, 255}} {
		m := image.NewNRGBA(image.Rect(0, 0, 10, 10))
		for p := range 100 {
			m.SetNRGBA(p%10, p/10, c)
		}
		class := filepath.Join(dir, fmt.Sprint(i))
		datatest.MakeFolder(t, class)
		datatest.WritePNG(t, filepath.Join(class, "x.png"), m)
	}
	r := run(t, dir, Options{})
	for c, want := range [3][2]float64{{0.4, 0.2}, {0.4, 0}, {0.8, 0.2}} {
		if math.Abs(r.Mean[c]-want[0]) > 1e-9 || math.Abs(r.Std[c]-want[1]) > 1e-9 {
			t.Errorf("channel %d: mean %v, deviation %v; want %v", c, r.Mean[c], r.Std[c], want)
		}
	}
}

func TestCheckReturnsErrors(t *testing.T) {
	dir := album(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, datasets.Source{Path: dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if _, err := Run(t.Context(), datasets.Source{Path: t.TempDir()}, Options{}); !errors.Is(err, data.ErrNoClasses) {
		t.Errorf("error %v, want ErrNoClasses", err)
	}
	synctest.Test(t, func(t *testing.T) {
		datatest.InjectFaults(t, "7.jpg", &datatest.Faults{Err: syscall.EIO, Times: -1})
		var storage *sys.StorageError
		if _, err := Run(t.Context(), datasets.Source{Path: dir}, Options{}); !errors.As(err, &storage) {
			t.Errorf("error %v, want a StorageError", err)
		}
	})
}

func TestCheckReportsProgress(t *testing.T) {
	var last, total int64
	run(t, album(t), Options{Workers: 3, Progress: func(done, of int64) { last, total = done, of }})
	if last != 45 || total != 45 {
		t.Errorf("ended at %d of %d", last, total)
	}
}

// The hashes of a picture and its reduced, compressed copy differ in few bits, those of other pictures in
// many.
func TestImageHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jpg")
	r, err := data.NewImageReader()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w := &canvas{pixels: make([]byte, 3*side*side)}
	hash := func(m image.Image, quality int) imageHash {
		writeJPEG(t, path, m, quality)
		if err := w.load(t.Context(), r, data.Sample{Path: path}); err != nil {
			t.Fatal(err)
		}
		return hashOf(w.pixels)
	}
	var hashes []imageHash
	for seed := range uint64(20) {
		whole, small := hash(scene(seed, 160, 120), 95), hash(scene(seed, 64, 48), 50)
		if d := whole.distance(small); d > maxHashBits {
			t.Errorf("scene %d: smaller, it differs in %d bits", seed, d)
		}
		for other, l := range hashes {
			if d := whole.distance(l); d <= maxHashBits {
				t.Errorf("scenes %d and %d differ in %d bits alone", seed, other, d)
			}
		}
		hashes = append(hashes, whole)
	}
}
