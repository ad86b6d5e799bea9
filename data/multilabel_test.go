package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// twoLabels is a multi-label data set of three classes.
func twoLabels(paths ...string) *Dataset {
	d := &Dataset{Root: "dir", Classes: []string{"a", "b", "c"}, MultiLabel: true}
	for i, path := range paths {
		d.Samples = append(d.Samples, Sample{Path: path, Labels: [][]int32{{0, 2}, {1}, {}}[i%3]})
	}
	return d
}

func TestMultiLabelCounts(t *testing.T) {
	d := twoLabels("dir/1.jpg", "dir/2.jpg", "dir/3.jpg", "dir/4.jpg")
	if got := d.Counts(); !slices.Equal(got, []int{2, 1, 2}) {
		t.Errorf("counts %v", got)
	}
	if got := d.Key(d.Samples[0]); got != "1.jpg" {
		t.Errorf("key %q", got)
	}
	other := twoLabels("dir/1.jpg", "dir/2.jpg", "dir/3.jpg", "dir/4.jpg")
	same := Digest(other) == Digest(d)
	other.Samples[2].Labels = []int32{1}
	if !same || Digest(other) == Digest(d) {
		t.Error("the digest does not depend on the labels")
	}
}

// TestMultiLabelMatch: labels are renumbered by name, and sorted again; unknown ones are left out, images stay.
func TestMultiLabelMatch(t *testing.T) {
	d := twoLabels("1", "2", "3")
	matched, unknown, missing := d.Match([]string{"c", "x", "a"})
	var labels [][]int32
	for _, s := range matched.Samples {
		labels = append(labels, s.Labels)
	}
	if want := [][]int32{{0, 2}, {}, {}}; !reflect.DeepEqual(labels, want) || !matched.MultiLabel {
		t.Errorf("labels %v, want %v", labels, want)
	}
	if !slices.Equal(unknown, []string{"b"}) || !slices.Equal(missing, []string{"x"}) {
		t.Errorf("unknown %q, missing %q", unknown, missing)
	}
	if !slices.Equal(d.Samples[0].Labels, []int32{0, 2}) {
		t.Errorf("the data set has changed: %v", d.Samples[0].Labels)
	}
}

// TestMixedTargets: MixUp and CutMix mix the targets of an image with those of the previous one, the first with the last, by
// the lambda of the pixels.
func TestMixedTargets(t *testing.T) {
	for _, a := range []Augment{{MixUp: 1}, {CutMix: 1}} {
		own := []float32{1, 0, 1 /**/, 0, 1, 0 /**/, 0, 0, 0 /**/, 1, 1, 1}
		b := &Batch{N: 4, Height: 6, Width: 6, Pixels: make([]uint8, 4*6*6*3), Targets: slices.Clone(own), Lambda: 1}
		a.mix(b, rand.New(rand.NewPCG(3, 4)), nil)
		l := float32(b.Lambda)
		if !(l > 0 && l < 1) || len(b.MixedLabels) != 0 {
			t.Fatalf("%+v: lambda %v, mixed labels %v", a, l, b.MixedLabels)
		}
		for i := range 4 {
			for k := range 3 {
				want := l*own[i*3+k] + float32(1-b.Lambda)*own[(i+3)%4*3+k]
				if got := b.Targets[i*3+k]; got != want {
					t.Errorf("%+v: target %d of image %d is %v, want %v", a, k, i, got, want)
				}
			}
		}
	}
}

// TestMultiLabelBatches: batches carry targets of the images that can be read, in their order.
func TestMultiLabelBatches(t *testing.T) {
	dir := t.TempDir()
	d := twoLabels(picture(t, dir, 1), dir+"/missing.png", picture(t, dir, 2), picture(t, dir, 3))
	for _, workers := range []int{0, 2} {
		l, err := NewLoader(d, LoaderOptions{BatchSize: 4, Workers: workers, Preprocess: Preprocess{Resolution: 8, Fit: FitPad, Std: [3]float64{1, 1, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the memory is used again
			it := l.Epoch(context.Background(), 0, 0)
			b, err := it.Next()
			if err != nil {
				t.Fatal(err)
			}
			if want := []float32{1, 0, 1 /**/, 0, 0, 0 /**/, 1, 0, 1}; !slices.Equal(b.Targets, want) || b.N != 3 || len(b.Labels) != 0 || len(b.Skipped) != 1 {
				t.Errorf("targets %v of %d images, labels %v, skipped %v", b.Targets, b.N, b.Labels, b.Skipped)
			}
			if err := it.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// picture writes an image as dir/i.png and returns its path.
func picture(t *testing.T, dir string, i int) string {
	t.Helper()
	path := filepath.Join(dir, fmt.Sprint(i)+".png")
	var b bytes.Buffer
	if err := errors.Join(png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}
