package data

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data/internal/random"
)

// unbalanced returns a data set without files, with these numbers of images of the classes.
func unbalanced(counts ...int) *Dataset {
	d := &Dataset{Root: "photos"}
	for class, n := range counts {
		d.Classes = append(d.Classes, fmt.Sprint("class ", class))
		for range n {
			d.Samples = append(d.Samples, Sample{Class: class})
		}
	}
	return d
}

// TestSamplers: each epoch has as many images as the data set and of each class its quota, rounded up or down, with the
// quota as the mean; the images of a class are drawn equally often.
func TestSamplers(t *testing.T) {
	for _, c := range []struct {
		sampler string
		counts  []int
		quotas  []float64
	}{
		{SampleUniform, []int{90, 6, 4}, []float64{90, 6, 4}},
		{SampleBalanced, []int{90, 6, 4}, []float64{100. / 3, 100. / 3, 100. / 3}},
		{SampleSqrt, []int{81, 16, 4}, []float64{101. * 9 / 15, 101. * 4 / 15, 101. * 2 / 15}},
		{SampleBalanced, []int{5, 0, 3}, []float64{4, 0, 4}},
		{SampleSqrt, []int{0, 4, 0}, []float64{0, 4, 0}},
		{SampleBalanced, []int{1, 1, 1, 1, 1, 2}, []float64{7. / 6, 7. / 6, 7. / 6, 7. / 6, 7. / 6, 7. / 6}},
	} {
		t.Run(fmt.Sprint(c.sampler, c.counts), func(t *testing.T) {
			d, total := unbalanced(c.counts...), slices.Repeat([]float64{0}, len(c.counts))
			for i, q := range Quotas(c.sampler, c.counts) {
				if math.Abs(q-c.quotas[i]) > 1e-9 {
					t.Errorf("the quota of class %d is %v, want %v", i, q, c.quotas[i])
				}
			}
			const epochs = 3000
			for epoch := range epochs {
				order := d.draw(c.sampler, random.New(1, random.Order, uint64(epoch)))
				if len(order) != d.Len() {
					t.Fatalf("%d images, want %d", len(order), d.Len())
				}
				byImage, byClass := make([]int, d.Len()), make([]int, len(c.counts))
				for _, sample := range order {
					byImage[sample]++
					byClass[d.Samples[sample].Class]++
				}
				for class, n := range byClass {
					total[class] += float64(n)
					if math.Abs(float64(n)-c.quotas[class]) >= 1 {
						t.Fatalf("%d images of class %d, whose quota is %v", n, class, c.quotas[class])
					}
				}
				for sample, n := range byImage {
					class := d.Samples[sample].Class
					if least := byClass[class] / c.counts[class]; n != least && n != least+1 {
						t.Fatalf("an image of class %d is drawn %d times of %d", class, n, byClass[class])
					}
				}
			}
			for class, sum := range total {
				if mean := sum / epochs; math.Abs(mean-c.quotas[class]) > 0.05 { // five standard deviations of the rounding
					t.Errorf("on average %v images of class %d, want %v", mean, class, c.quotas[class])
				}
			}
		})
	}
}

// TestSampledOrderNeverChanges: runs are repeatable across versions only if the order stays as it is.
func TestSampledOrderNeverChanges(t *testing.T) {
	for sampler, want := range map[string]string{SampleUniform: "2edde9c3", SampleBalanced: "c6fb1de0", SampleSqrt: "0ccc984c"} {
		l := &Loader{set: unbalanced(90, 6, 4), options: LoaderOptions{Train: true, Seed: 3, Sampler: sampler}}
		h := sha256.New()
		if err := binary.Write(h, binary.LittleEndian, l.Order(5)); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)[:4]); got != want {
			t.Errorf("%s: the order has the digest %s, want %s", sampler, got, want)
		}
	}
}

// sampling returns options with a sampler that draws images several times.
func sampling(workers int) LoaderOptions {
	o := augmenting(workers)
	o.Sampler = SampleBalanced
	return o
}

// rarePhotos is photos with one class of 2 images.
func rarePhotos(t *testing.T, n int) *Dataset {
	d := photos(t, n, true)
	for i := range d.Samples {
		d.Samples[i].Class = min(i/2, 1)
	}
	return d
}

// TestSampledBatches: the batches do not depend on the workers, and an epoch continues at any of them.
func TestSampledBatches(t *testing.T) {
	d := rarePhotos(t, 41)
	want := drain(t, newLoader(t, d, sampling(0)), 3, 0)
	for _, workers := range []int{1, 2, 5} {
		l := newLoader(t, d, sampling(workers))
		if got := drain(t, l, 3, 0); !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers:\n%q\nwant\n%q", workers, got, want)
		}
		for first := range len(want) + 1 {
			if got := drain(t, l, 3, first); !slices.Equal(got, want[first:]) {
				t.Errorf("%d workers from batch %d:\n%q\nwant\n%q", workers, first, got, want[first:])
			}
		}
	}
}

// TestRepeatedImagesDiffer: an image that is drawn several times is augmented in another way each time, and the first
// time as without a sampler.
func TestRepeatedImagesDiffer(t *testing.T) {
	d := &Dataset{Classes: []string{"a", "b"}}
	for i := range 20 {
		s := photos(t, 20, false).Samples[i]
		s.Class = min(i, 1)
		d.Samples = append(d.Samples, s)
	}
	images := func(sampler string) (list []string) { // of sample 0
		o := training(2)
		o.Sampler = sampler
		it := newLoader(t, d, o).Epoch(t.Context(), 1, 0)
		defer it.Close()
		for b, err := it.Next(); err == nil; b, err = it.Next() {
			size := len(b.Pixels) / b.N
			for i, s := range b.Samples {
				if s == 0 {
					list = append(list, string(b.Pixels[i*size:(i+1)*size]))
				}
			}
		}
		return list
	}
	repeated, once := images(SampleBalanced), images(SampleUniform)
	if len(repeated) != 10 || len(once) != 1 || repeated[0] != once[0] {
		t.Fatalf("drawn %d times, and %d times without a sampler", len(repeated), len(once))
	}
	slices.Sort(repeated)
	if n := len(slices.Compact(repeated)); n != 10 {
		t.Errorf("%d different images of 10", n)
	}
}

// TestAugmentationKeyNeverChanges: a sample that an epoch has once is augmented as by every version.
func TestAugmentationKeyNeverChanges(t *testing.T) {
	seen := map[uint64]bool{}
	for repeat := range 4 {
		var pcg rand.PCG
		seedAugment(&pcg, 7, 2, 3, repeat)
		seen[pcg.Uint64()] = true
	}
	if !seen[random.New(7, random.Augment, 2, 3).Uint64()] || len(seen) != 4 {
		t.Errorf("%d different draws: %v", len(seen), seen)
	}
}

// TestSamplerNeedsOneClass: multi-label data refuses a sampler in training alone.
func TestSamplerNeedsOneClass(t *testing.T) {
	d := unbalanced(3)
	d.MultiLabel, d.Classes = true, []string{"cat", "warm"}
	for i := range d.Samples {
		d.Samples[i] = Sample{Labels: []int32{0, 1}} // more labels than images
	}
	o := sampling(0)
	for _, o.Sampler = range []string{SampleBalanced, SampleSqrt} {
		if _, err := NewLoader(d, o); err == nil || !strings.Contains(err.Error(), "multi-label data: omit it") {
			t.Errorf("%s: error %v", o.Sampler, err)
		}
	}
	o.Train = false
	newLoader(t, d, o)
	o.Train, o.Sampler = true, SampleUniform
	newLoader(t, d, o)
}

// TestSamplerNeedsAnyOrder: shards that are read sequentially refuse a sampler, with advice that works.
func TestSamplerNeedsAnyOrder(t *testing.T) {
	d := unbalanced(10, 2)
	for i := range d.Samples {
		d.Samples[i].Part.In = numberedShard(0)
	}
	o := sampling(0)
	o.ShuffleBuffer = 4
	if _, err := NewLoader(d, o); err == nil || !strings.Contains(err.Error(), "omit --shuffle-buffer") {
		t.Errorf("error %v", err)
	}
	o.ShuffleBuffer = 0
	newLoader(t, d, o)
	o.ShuffleBuffer, o.Train = 4, false
	newLoader(t, d, o)
	o.Train, o.Sampler = true, "often"
	if _, err := NewLoader(d, o); err == nil || !strings.Contains(err.Error(), "uniform, balanced, sqrt") {
		t.Errorf("error %v", err)
	}
}
