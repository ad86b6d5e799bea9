package data

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
)

// photos returns a data set of n samples over the JPEGs of testdata in 3 classes, with
// some unreadable files among them when bad is set.
func photos(t testing.TB, n int, bad bool) *Dataset {
	t.Helper()
	files, err := filepath.Glob("testdata/geometry/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatal("no images in testdata")
	}
	if bad {
		dir := t.TempDir()
		empty, text := filepath.Join(dir, "empty.jpg"), filepath.Join(dir, "text.png")
		if err := errors.Join(os.WriteFile(empty, nil, 0o600), os.WriteFile(text, []byte("text"), 0o600)); err != nil {
			t.Fatal(err)
		}
		files = append(files, empty, text, filepath.Join(dir, "gone.jpg"))
	}
	d := &Dataset{Root: "testdata", Classes: []string{"a", "b", "c"}}
	for i := range n {
		d.Samples = append(d.Samples, Sample{Path: files[i%len(files)], Class: i * 7 % 3})
	}
	return d
}

// training returns options with random crops and flips in a random order.
func training(workers int) LoaderOptions {
	return LoaderOptions{
		BatchSize: 4, Workers: workers, Prefetch: 2, Seed: 11, Train: true,
		Preprocess: Preprocess{Resolution: 24},
		Augment:    Augment{Crop: true, CropScale: [2]float64{0.08, 1}, CropRatio: [2]float64{3. / 4, 4. / 3}, Flip: 0.5},
	}
}

// augmenting returns training's options with everything that is random switched on.
func augmenting(workers int) LoaderOptions {
	o := training(workers)
	o.Augment.Policy, o.Augment.Jitter = RandAugment, Jitter{0.4, 0.4, 0.4, 0.1}
	o.Augment.Erase, o.Augment.MixUp, o.Augment.CutMix = 0.25, 0.2, 1
	return o
}

func newLoader(t testing.TB, d *Dataset, o LoaderOptions) *Loader {
	t.Helper()
	l, err := NewLoader(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// drain returns a description of every batch, pixels as a hash.
func drain(t testing.TB, l *Loader, epoch, first int) []string {
	t.Helper()
	it := l.Epoch(t.Context(), epoch, first)
	defer it.Close()
	var out []string
	for {
		b, err := it.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		h.Write(b.Pixels)
		if err := binary.Write(h, binary.LittleEndian, b.Labels); err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%d n=%d %dx%d %v %v %x %v of %v", b.Index, b.N, b.Height, b.Width, b.Samples, b.Skipped, h.Sum(nil), b.Lambda, b.MixedLabels))
	}
}

func TestBatchesDoNotDependOnWorkers(t *testing.T) {
	d := photos(t, 41, true)
	for _, train := range []bool{true, false} {
		o := augmenting(0)
		o.Train = train
		want := drain(t, newLoader(t, d, o), 3, 0)
		if len(want) != 11 {
			t.Fatalf("%d batches, want 11", len(want))
		}
		for _, workers := range []int{1, 2, 5, 16} {
			o.Workers = workers
			l := newLoader(t, d, o)
			for range 2 { // the second time in memory of the first
				if got := drain(t, l, 3, 0); !reflect.DeepEqual(got, want) {
					t.Errorf("train %v, %d workers:\n%q\nwant\n%q", train, workers, got, want)
				}
			}
		}
	}
}

func TestAnEpochContinuesAtAnyBatch(t *testing.T) {
	d := photos(t, 30, true)
	for _, workers := range []int{0, 3} {
		l := newLoader(t, d, augmenting(workers))
		all := drain(t, l, 1, 0)
		for first := range len(all) + 1 {
			if got := drain(t, l, 1, first); !slices.Equal(got, all[first:]) {
				t.Errorf("%d workers from batch %d:\n%q\nwant\n%q", workers, first, got, all[first:])
			}
		}
	}
}

func TestOrderAndAugmentationFollowSeedAndEpoch(t *testing.T) {
	d := photos(t, 16, false)
	o := augmenting(1)
	one := drain(t, newLoader(t, d, o), 0, 0)
	if two := drain(t, newLoader(t, d, o), 1, 0); slices.Equal(one, two) {
		t.Error("two epochs are the same")
	}
	o.Seed++
	if two := drain(t, newLoader(t, d, o), 0, 0); slices.Equal(one, two) {
		t.Error("two seeds give the same epoch")
	}
}

func TestAnEpochHoldsEverySampleOnce(t *testing.T) {
	d := photos(t, 41, false)
	l := newLoader(t, d, training(2))
	it := l.Epoch(t.Context(), 0, 0)
	defer it.Close()
	var seen []int
	for b, err := it.Next(); err != io.EOF; b, err = it.Next() {
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range b.Samples {
			if b.Labels[i] != int64(d.Samples[s].Class) {
				t.Errorf("sample %d has label %d", s, b.Labels[i])
			}
		}
		seen = append(seen, b.Samples...)
	}
	if slices.IsSorted(seen) {
		t.Error("the epoch is not shuffled")
	}
	slices.Sort(seen)
	for i := range 41 {
		if seen[i] != i {
			t.Fatalf("samples %v", seen)
		}
	}
}

func TestUnreadableImagesAreSkippedAndNamed(t *testing.T) {
	good := photos(t, 3, false)
	d := photos(t, 3, false)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.jpg")
	if err := os.WriteFile(bad, []byte{0xff, 0xd8, 0xff}, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone.jpg")
	d.Samples = slices.Insert(d.Samples, 1, Sample{Path: bad, Class: 1}, Sample{Path: gone, Class: 1})
	o := training(2)
	o.Train, o.BatchSize = false, 5
	it := newLoader(t, d, o).Epoch(t.Context(), 0, 0)
	defer it.Close()
	b, err := it.Next()
	if err != nil {
		t.Fatal(err)
	}
	if want := []Problem{{bad, "jpeg: file is truncated"}, {gone, "no such file or directory"}}; !reflect.DeepEqual(b.Skipped, want) {
		t.Errorf("skipped %q, want %q", b.Skipped, want)
	}
	if b.N != 3 || !slices.Equal(b.Samples, []int{0, 3, 4}) || len(b.Labels) != 3 {
		t.Errorf("%d images, samples %v, labels %v", b.N, b.Samples, b.Labels)
	}
	o.BatchSize = 3
	clean := newLoader(t, good, o).Epoch(t.Context(), 0, 0)
	defer clean.Close()
	want, err := clean.Next()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Pixels, want.Pixels) {
		t.Error("the other images' pixels moved wrongly")
	}
}

func TestABatchCanBeEmpty(t *testing.T) {
	d := &Dataset{Classes: []string{"a"}, Samples: []Sample{{Path: "nowhere.jpg"}}}
	it := newLoader(t, d, training(1)).Epoch(t.Context(), 0, 0)
	defer it.Close()
	b, err := it.Next()
	if err != nil || b.N != 0 || len(b.Pixels) != 0 || len(b.Skipped) != 1 {
		t.Errorf("batch %+v, error %v", b, err)
	}
	if _, err := it.Next(); err != io.EOF {
		t.Errorf("error %v, want io.EOF", err)
	}
}

func TestCancelEndsAnEpoch(t *testing.T) {
	for _, workers := range []int{0, 2} {
		ctx, cancel := context.WithCancel(t.Context())
		it := newLoader(t, photos(t, 40, false), training(workers)).Epoch(ctx, 0, 0)
		if _, err := it.Next(); err != nil {
			t.Fatal(err)
		}
		cancel()
		var err error
		for range 11 {
			if _, err = it.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%d workers: error %v, want context.Canceled", workers, err)
		}
		it.Close()
	}
}

func TestCloseEndsTheWorkers(t *testing.T) {
	d := photos(t, 40, false)
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		it := newLoader(t, d, training(3)).Epoch(t.Context(), 0, 0)
		if _, err := it.Next(); err != nil {
			t.Fatal(err)
		}
		it.Close()
		it.Close()
		if _, err := it.Next(); err != ErrClosed {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}

func TestWorkersStayWithinPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		it := newLoader(t, photos(t, 41, false), training(3)).Epoch(t.Context(), 0, 0)
		defer it.Close()
		for i := range 5 {
			if _, err := it.Next(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // until the workers wait
			it.mu.Lock()
			if want := min(i+3, it.loader.Batches()); it.filling != want || it.place != 0 {
				t.Errorf("after batch %d, %d batches and %d images are decoded or in work, want %d batches", i, it.filling, it.place, want)
			}
			it.mu.Unlock()
		}
	})
}

func TestSteadyStateAllocatesNothingForJPEGs(t *testing.T) {
	l := newLoader(t, photos(t, 40, false), training(0))
	r := openReader(t)
	dst := make([]uint8, 3*24*24)
	sample := 0
	n := testing.AllocsPerRun(100, func() {
		if err := l.load(t.Context(), r, 1, sample%40, 0, dst); err != nil {
			t.Fatal(err)
		}
		sample++
	})
	if n != 0 {
		t.Errorf("%v allocations an image, want none", n)
	}
}

func TestNewLoaderRefusesAnEmptySet(t *testing.T) {
	if _, err := NewLoader(&Dataset{Root: "nowhere"}, training(1)); err == nil {
		t.Error("accepted")
	}
}

// BenchmarkLoader reports images a second, over the photographs of the folder
// LOADER_DIR or testdata's small ones.
func BenchmarkLoader(b *testing.B) {
	d := photos(b, 640, false)
	if dir := os.Getenv("LOADER_DIR"); dir != "" {
		var err error
		if d, err = OpenFolder(dir); err != nil {
			b.Fatal(err)
		}
	}
	for _, workers := range []int{0, 1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			o := training(workers)
			o.BatchSize, o.Preprocess.Resolution = 32, 224
			l := newLoader(b, d, o)
			b.ReportAllocs()
			images, epoch := 0, 0
			for images < b.N {
				it := l.Epoch(b.Context(), epoch, 0)
				for images < b.N {
					batch, err := it.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					images += batch.N + len(batch.Skipped)
				}
				it.Close()
				epoch++
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "img/s")
		})
	}
}
