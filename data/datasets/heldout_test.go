package datasets

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/shards"
)

// photo draws a picture of a seed: 64 colored blocks.
func photo(seed uint64, side int) image.Image {
	rng := rand.New(rand.NewPCG(seed, 1))
	var blocks [64]color.RGBA
	for i := range blocks {
		blocks[i] = color.RGBA{uint8(rng.UintN(250)), uint8(rng.UintN(250)), uint8(rng.UintN(250)), 255}
	}
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			m.SetRGBA(x, y, blocks[8*y/side*8+8*x/side])
		}
	}
	return m
}

// album writes n photos of each of two classes, with names from a number. The photo of a name is that
// of the number and the set.
func album(t *testing.T, dir string, set uint64, from, n, side int) string {
	t.Helper()
	for c, class := range []string{"cat", "dog"} {
		for i := from; i < from+n; i++ {
			writePhoto(t, filepath.Join(dir, class, fmt.Sprintf("%03d.png", i)), photo(1e6*set+1000*uint64(c)+uint64(i), side))
		}
	}
	return dir
}

func writePhoto(t *testing.T, path string, m image.Image) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if strings.HasSuffix(path, ".jpg") {
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: 60})
	} else {
		err = png.Encode(f, m)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// recorded divides a data set and returns the training images and the split as weights record it.
func recorded(t *testing.T, path string) (train, val *data.Dataset, split *Split) {
	t.Helper()
	train, val, split, err := Source{Path: path, ValSplit: 0.25, Seed: 3}.OpenSplit(t.Context())
	if err == nil {
		err = split.Identify(t.Context(), train, val)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(split)
	if err != nil {
		t.Fatal(err)
	}
	if split, err = ParseSplit(string(text)); err != nil {
		t.Fatal(err)
	}
	return train, val, split
}

func heldOut(t *testing.T, split *Split, path string) (all, val *data.Dataset, which string) {
	t.Helper()
	all, _, err := Source{Path: path}.OpenVal(t.Context())
	if err == nil {
		val, which, err = split.HeldOut(t.Context(), all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all, val, which
}

// TestHeldOut: of the data set that was divided, however it has changed, no image that was trained on
// is measured; of another one, all are.
func TestHeldOut(t *testing.T) {
	const n = 30
	dir := album(t, filepath.Join(t.TempDir(), "photos"), 1, 0, n, 40)
	train, val, split := recorded(t, dir)
	trained := keys(train)
	for _, c := range []struct {
		name string
		make func(dir string) string
		all  bool   // all images are measured
		want string // in the sentence
	}{
		{"the same folder", func(string) string { return dir }, false, fmt.Sprintf("%d of 60 images: those that training held out (--val-split 0.25)", val.Len())},
		{"a copy in another place", func(to string) string { return album(t, to, 1, 0, n, 40) }, false, "of 60 images"},
		{"three images more", func(to string) string {
			album(t, to, 1, 0, n, 40)
			for i := range 3 {
				writePhoto(t, filepath.Join(to, "cat", fmt.Sprintf("a%d.png", i)), photo(uint64(i), 40))
			}
			return to
		}, false, "new ones by the same rule; the data set had 60 images then"},
		{"twice as large", func(to string) string { return album(t, to, 1, 0, 2*n, 40) }, false, "of 120 images"},
		{"a part of it", func(to string) string { return album(t, to, 1, 10, 12, 40) }, false, "of 24 images"},
		{"one class of it", func(to string) string {
			album(t, to, 1, 0, n, 40)
			return remove(t, to, "dog")
		}, false, "of 30 images"},
		{"resized", func(to string) string { return album(t, to, 1, 0, n, 100) }, false, "of 60 images"},
		{"in the folder of another data set", func(to string) string { return album(t, album(t, to, 1, 0, n, 40), 2, 500, 90, 40) }, false, "of 240 images"},
		{"as the val of a data set", func(to string) string {
			album(t, filepath.Join(to, "train"), 1, n, n, 40)
			album(t, filepath.Join(to, "val"), 1, 0, n, 40)
			return to
		}, false, "of 60 images"},
		{"another data set, other names", func(to string) string { return album(t, to, 2, 500, 45, 40) }, true, "all 90 images: none has the name"},
		{"another data set, the same names", func(to string) string { return album(t, to, 2, 0, n, 40) }, true, "all 60 images: 60 have the names of images that training divided into train and val (--val-split 0.25), but they are other images"},
		{"another data set, some of the names", func(to string) string { return album(t, to, 2, 20, n, 40) }, true, "but they are other images"},
		{"the val of another data set, the same names", func(to string) string {
			album(t, filepath.Join(to, "train"), 2, n, n, 40)
			album(t, filepath.Join(to, "val"), 2, 0, n, 40)
			return to
		}, true, "but they are other images"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, measured, which := heldOut(t, split, c.make(filepath.Join(t.TempDir(), "x")))
			if !strings.Contains(which, c.want) {
				t.Errorf("says %q, want %q", which, c.want)
			}
			if c.all {
				if measured.Len() != all.Len() {
					t.Errorf("%d of %d images are measured", measured.Len(), all.Len())
				}
				return
			}
			checkNotTrained(t, c.name, keys(measured), trained)
			for _, k := range keys(val) {
				if slices.Contains(keys(all), k) && !slices.Contains(keys(measured), k) {
					t.Errorf("%s was held out and is not measured", k)
				}
			}
			if fraction := float64(measured.Len()) / float64(all.Len()); fraction < 0.1 || fraction > 0.5 {
				t.Errorf("%d of %d images are measured", measured.Len(), all.Len())
			}
		})
	}
}

// TestHeldOutInAnotherForm: a copy whose names another system wrote in another Unicode form is the same
// data set, also of a class with a threshold of its own.
func TestHeldOutInAnotherForm(t *testing.T) {
	const decomposed, composed = "cafe\u0301", "caf\u00e9"
	for _, n := range []int{2, 30} {
		dir := t.TempDir()
		for i := range n {
			writePhoto(t, filepath.Join(dir, "dog", fmt.Sprintf("%d.png", i)), photo(uint64(i), 40))
			writePhoto(t, filepath.Join(dir, decomposed, fmt.Sprintf("%s%d.png", decomposed, i)), photo(uint64(100+i), 40))
		}
		_, val, split := recorded(t, dir)
		if err := os.Rename(filepath.Join(dir, decomposed), filepath.Join(dir, composed)); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			was := filepath.Join(dir, composed, fmt.Sprintf("%s%d.png", decomposed, i))
			if err := os.Rename(was, filepath.Join(dir, composed, fmt.Sprintf("%s%d.png", composed, i))); err != nil {
				t.Fatal(err)
			}
		}
		_, measured, which := heldOut(t, split, dir)
		if !slices.Equal(keys(measured), keys(val)) || strings.Contains(which, "new ones") {
			t.Errorf("%s: %q are measured, want %q", which, keys(measured), keys(val))
		}
	}
}

func remove(t *testing.T, dir, class string) string {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, class)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEncodedAgain: images that were compressed again have other bytes, and are the same images.
func TestEncodedAgain(t *testing.T) {
	for seed := range uint64(20) {
		dir := t.TempDir()
		writePhoto(t, filepath.Join(dir, "a.png"), photo(seed, 64))
		writePhoto(t, filepath.Join(dir, "b.jpg"), photo(seed, 64))
		writePhoto(t, filepath.Join(dir, "c.jpg"), photo(seed, 200))
		writePhoto(t, filepath.Join(dir, "d.png"), photo(seed+100, 64))
		var pixels [4][]uint8
		for i, name := range []string{"a.png", "b.jpg", "c.jpg", "d.png"} {
			var err error
			if pixels[i], err = data.LoadImage(filepath.Join(dir, name), data.Preprocess{Resolution: pictureSide, Fit: data.FitLetterbox}); err != nil {
				t.Fatal(err)
			}
		}
		if !samePicture(pixels[0], pixels[1]) || !samePicture(pixels[0], pixels[2]) || !samePicture(pixels[1], pixels[2]) {
			t.Errorf("seed %d: one picture seems to be several", seed)
		}
		if samePicture(pixels[0], pixels[3]) || samePicture(pixels[2], pixels[3]) {
			t.Errorf("seed %d: two pictures seem to be one", seed)
		}
	}
}

// TestSmallPart: a few images of a large data set, of which no picture is recorded, are recognized by
// their sizes.
func TestSmallPart(t *testing.T) {
	for _, c := range []struct {
		name  string
		found shared
		other bool
	}{
		{"no size is known", shared{names: 5}, false},
		{"the same sizes", shared{names: 5, sized: 5, sameSize: 5}, false},
		{"some were encoded again", shared{names: 5, sized: 5, sameSize: 3}, false},
		{"other images", shared{names: 5, sized: 5}, true},
		{"other images, one of the same size", shared{names: 5, sized: 5, sameSize: 1}, true},
		{"the same pictures, encoded again", shared{names: 5, sized: 5, compared: 2, identical: 2}, false},
		{"some were replaced", shared{names: 5, sized: 5, compared: 2, identical: 1}, false},
		{"other pictures of the same sizes", shared{names: 5, sized: 5, sameSize: 5, compared: 1}, true},
	} {
		if got := c.found.otherImages(); got != c.other {
			t.Errorf("%s: other images is %v", c.name, got)
		}
	}
	dir := album(t, filepath.Join(t.TempDir(), "photos"), 1, 0, 30, 40)
	_, _, split := recorded(t, dir)
	split.Set.Pictures = nil
	if _, measured, which := heldOut(t, split, dir); measured.Len() == 60 {
		t.Errorf("by sizes: %s", which)
	}
	if _, measured, which := heldOut(t, split, album(t, filepath.Join(t.TempDir(), "x"), 2, 0, 20, 41)); measured.Len() != 40 {
		t.Errorf("by sizes, other images: %s", which)
	}
}

// TestSampleDigest: it changes with the contents of the files, and not with their place.
func TestSampleDigest(t *testing.T) {
	digest := func(dir string) string {
		t.Helper()
		set, _, err := Source{Path: dir}.OpenVal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, err := SampleDigest(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	dir := album(t, filepath.Join(t.TempDir(), "photos"), 1, 0, 30, 40)
	want := digest(dir)
	if got := digest(album(t, filepath.Join(t.TempDir(), "elsewhere"), 1, 0, 30, 40)); got != want {
		t.Error("another place, another digest")
	}
	if got := digest(album(t, filepath.Join(t.TempDir(), "others"), 2, 0, 30, 40)); got == want {
		t.Error("other images, the same digest")
	}
	if got := digest(remove(t, dir, "dog")); got == want {
		t.Error("fewer images, the same digest")
	}
}

// TestNothingHeldOut: a part of the data set of which every image was trained on is refused.
func TestNothingHeldOut(t *testing.T) {
	dir := album(t, filepath.Join(t.TempDir(), "photos"), 1, 0, 30, 40)
	_, val, split := recorded(t, dir)
	for _, s := range val.Samples {
		if err := os.Remove(s.Path); err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := Source{Path: dir}.OpenVal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = split.HeldOut(t.Context(), all); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "DIR/val/CLASS") {
		t.Errorf("error %v", err)
	}
}

// TestHeldOutOfShards: shards are divided as folders are, also when they are written again with more images.
func TestHeldOutOfShards(t *testing.T) {
	write := func(n int) string {
		t.Helper()
		folder := album(t, t.TempDir(), 1, 0, n, 40)
		all, _, err := Source{Path: folder}.OpenVal(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := shards.Write(context.Background(), dir, all, nil, shards.Options{PerShard: 16, Seed: uint64(n)}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	train, _, split := recorded(t, write(30))
	_, measured, which := heldOut(t, split, write(40))
	if !strings.Contains(which, "of 80 images") {
		t.Errorf("says %q", which)
	}
	checkNotTrained(t, "shards", keys(measured), keys(train))
}

func FuzzParseSplit(f *testing.F) {
	f.Add(`{"fraction":0.1,"seed":1,"thresholds":{"\"a\"":7},"set":{"images":1,"digest":"x","names":"AAAAAAAAAAA="}}`)
	f.Add(`{"fraction":1}`)
	f.Add(`{"fraction":0.5,"set":{"names":"AAAA","pictures":[{"key":1,"pixels":"AA=="}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSplit(text)
		if err != nil {
			return
		}
		all := dataset("a/1.jpg", "b/2.jpg")
		if _, err := s.Set.compare(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		if train, val := s.divide(all); train.Len()+val.Len() != all.Len() {
			t.Errorf("%d and %d images", train.Len(), val.Len())
		}
	})
}
