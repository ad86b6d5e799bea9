package data

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// part is a batch of a rank, or the parts of several ranks as one.
type part struct {
	index, n int
	samples  []int
	labels   []int64
	targets  []float32
	skipped  []Problem
	pixels   []uint8
}

// parts returns the batches of an epoch from the first one on, as a loader returns them.
func parts(t *testing.T, d *Dataset, o LoaderOptions, epoch, first int) []part {
	t.Helper()
	it := newLoader(t, d, o).Epoch(t.Context(), epoch, first)
	defer it.Close()
	var list []part
	for {
		b, err := it.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, part{b.Index, b.N, slices.Clone(b.Samples), slices.Clone(b.Labels), slices.Clone(b.Targets), b.Skipped, slices.Clone(b.Pixels)})
	}
}

// together joins the parts that ranks have of each batch, in the order of the ranks.
func together(t *testing.T, d *Dataset, o LoaderOptions, epoch, first int) []part {
	t.Helper()
	var all []part
	for o.Rank = range o.Ranks {
		of := parts(t, d, o, epoch, first)
		if o.Rank == 0 {
			all = of
			continue
		}
		if len(of) != len(all) {
			t.Fatalf("rank %d has %d batches, rank 0 %d", o.Rank, len(of), len(all))
		}
		for i, p := range of {
			if p.index != all[i].index {
				t.Errorf("rank %d: batch %d has the index %d", o.Rank, all[i].index, p.index)
			}
			a := &all[i]
			a.n, a.samples, a.labels, a.targets = a.n+p.n, append(a.samples, p.samples...), append(a.labels, p.labels...), append(a.targets, p.targets...)
			a.skipped, a.pixels = append(a.skipped, p.skipped...), append(a.pixels, p.pixels...)
		}
	}
	return all
}

// TestRanksHaveTheBatchTogether: the parts of all ranks are the batches of one process, with the same augmentation, whatever the
// number of ranks, also of a last batch of fewer images and of batches that have no image for some ranks.
func TestRanksHaveTheBatchTogether(t *testing.T) {
	multi := photos(t, 41, true)
	multi.MultiLabel = true
	for i := range multi.Samples {
		multi.Samples[i].Class, multi.Samples[i].Labels = 0, []int32{int32(i % 3)}
	}
	for _, c := range []struct {
		name string
		set  *Dataset
		edit func(*LoaderOptions)
	}{
		{"training", photos(t, 41, false), func(*LoaderOptions) {}},
		{"unreadable images", photos(t, 41, true), func(*LoaderOptions) {}},
		{"evaluation", photos(t, 41, true), func(o *LoaderOptions) { o.Train = false }},
		{"balanced", photos(t, 41, false), func(o *LoaderOptions) { o.Sampler = SampleBalanced }},
		{"square root", photos(t, 41, true), func(o *LoaderOptions) { o.Sampler = SampleSqrt }},
		{"multi-label", multi, func(*LoaderOptions) {}},
		{"uneven parts", photos(t, 41, false), func(o *LoaderOptions) { o.BatchSize = 13 }},
		{"batch above the data set", photos(t, 5, false), func(o *LoaderOptions) { o.BatchSize = 64 }},
		{"one image", photos(t, 1, false), func(*LoaderOptions) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := augmenting(0)
			o.Augment.MixUp, o.Augment.CutMix = 0, 0
			c.edit(&o)
			want := parts(t, c.set, o, 2, 0)
			for _, o.Ranks = range []int{1, 2, 3, 4, 8} {
				for _, o.Workers = range []int{0, 3} {
					for _, first := range []int{0, len(want) - 1, len(want)} {
						got := together(t, c.set, o, 2, first)
						if fmt.Sprint(got) != fmt.Sprint(want[first:]) {
							t.Errorf("%d ranks with %d workers, from batch %d: other batches", o.Ranks, o.Workers, first)
						}
					}
				}
			}
		})
	}
}

// TestPartsAreEven: the parts of a batch differ by at most one image, follow one another, and are within the memory of a rank.
func TestPartsAreEven(t *testing.T) {
	for images := 1; images <= 20; images++ {
		for size := 1; size <= images; size++ {
			for ranks := 1; ranks <= 9; ranks++ {
				position, total := 0, 0
				for batch := range (images + size - 1) / size {
					least, most := images, 0
					for rank := range ranks {
						o := LoaderOptions{BatchSize: size, Rank: rank, Ranks: ranks}
						l := &Loader{set: &Dataset{Samples: make([]Sample, images)}, options: o}
						first, count := l.Part(batch)
						if first != position || count > o.most() {
							t.Fatalf("batch %d of %d images in batches of %d, rank %d of %d: from %d, %d images; want from %d, at most %d", batch, images, size, rank, ranks, first, count, position, o.most())
						}
						position, total, least, most = position+count, total+count, min(least, count), max(most, count)
					}
					if most-least > 1 {
						t.Fatalf("batch %d of %d images in batches of %d, %d ranks: parts of %d to %d images", batch, images, size, ranks, least, most)
					}
				}
				if total != images {
					t.Fatalf("%d images in batches of %d, %d ranks: %d images in all", images, size, ranks, total)
				}
			}
		}
	}
}

// TestRanksMixTheirOwnImages: images are mixed within a part, with the lambda of one process.
func TestRanksMixTheirOwnImages(t *testing.T) {
	d := photos(t, 16, false)
	o := training(0)
	o.Augment.MixUp = 0.4
	first := func(o LoaderOptions) (lambda float64, labels, mixed []int64) {
		it := newLoader(t, d, o).Epoch(t.Context(), 0, 0)
		defer it.Close()
		b, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		return b.Lambda, slices.Clone(b.Labels), slices.Clone(b.MixedLabels)
	}
	want, _, _ := first(o)
	o.Ranks = 2
	for o.Rank = range 2 {
		lambda, labels, mixed := first(o)
		if lambda != want || !slices.Equal(mixed, []int64{labels[1], labels[0]}) {
			t.Errorf("rank %d: lambda %v, want %v; labels %v mixed with %v", o.Rank, lambda, want, labels, mixed)
		}
	}
}

// TestEmptyPartsEnd: batches without an image for a rank do not keep its workers waiting.
func TestEmptyPartsEnd(t *testing.T) {
	o := training(3)
	o.BatchSize, o.Ranks, o.Rank = 2, 8, 0 // of two images, those of ranks 3 and 7
	for _, o.Workers = range []int{0, 1, 3} {
		list := parts(t, photos(t, 9, false), o, 0, 0)
		if len(list) != 5 {
			t.Fatalf("%d workers: %d batches, want 5", o.Workers, len(list))
		}
		for i, p := range list {
			if p.index != i || p.n != 0 || len(p.pixels) != 0 {
				t.Errorf("%d workers: batch %d is %+v, want none of its images", o.Workers, i, p)
			}
		}
	}
}

func TestRanksAreValidated(t *testing.T) {
	for _, c := range []struct {
		rank, ranks int
		ok          bool
	}{{0, 0, true}, {0, 1, true}, {1, 2, true}, {1, 0, false}, {1, 1, false}, {2, 2, false}, {-1, 2, false}, {0, -1, false}} {
		o := training(0)
		o.Rank, o.Ranks = c.rank, c.ranks
		err := o.Validate()
		if (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), fmt.Sprintf("rank %d of %d", c.rank, c.ranks)) {
			t.Errorf("rank %d of %d: error %v", c.rank, c.ranks, err)
		}
	}
}
