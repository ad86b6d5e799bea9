package datasets

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/datatest"
)

// numbered lists n files of a class, from a number.
func numbered(class string, from, n int) (files []string) {
	for i := range n {
		files = append(files, fmt.Sprintf("%s/%03d.jpg", class, from+i))
	}
	return files
}

// keys are the keys of a data set's images, sorted.
func keys(d *data.Dataset) (list []string) {
	for _, s := range d.Samples {
		list = append(list, d.Key(s))
	}
	slices.Sort(list)
	return list
}

// dataset makes a data set of files that do not exist.
func dataset(files ...string) *data.Dataset {
	d := &data.Dataset{Root: "/photos"}
	for _, f := range files {
		class := filepath.Dir(f)
		i := slices.Index(d.Classes, class)
		if i < 0 {
			i, d.Classes = len(d.Classes), append(d.Classes, class)
		}
		d.Samples = append(d.Samples, data.Sample{Path: "/photos/" + f, Class: i})
	}
	return d
}

func TestOpenSplitsEveryClass(t *testing.T) {
	files := slices.Concat(numbered("a", 0, 1), numbered("b", 0, 2), numbered("c", 0, 10), numbered("d", 0, 950))
	dir := datatest.EmptyFiles(t, files...)
	train, val, err := Open(dir, 0.2, 7)
	if err != nil {
		t.Fatal(err)
	}
	for class, n := range []int{1, 2, 10, 950} {
		inTrain, inVal := train.Counts()[class], val.Counts()[class]
		spread := 3 * math.Sqrt(0.2*0.8*float64(n)) // of a binomial distribution
		switch {
		case inTrain+inVal != n:
			t.Errorf("class %d of %d images has %d and %d", class, n, inTrain, inVal)
		case inTrain < 1 || n > 1 && inVal < 1:
			t.Errorf("class %d of %d images: %d to train, %d to validate", class, n, inTrain, inVal)
		case math.Abs(float64(inVal)-0.2*float64(n)) > max(1, spread):
			t.Errorf("class %d: %d of %d images to validate", class, inVal, n)
		}
	}
	all := append(keys(train), keys(val)...)
	slices.Sort(all)
	if !slices.Equal(all, files) {
		t.Error("an image is in both parts, or in none")
	}
	_, again, _ := Open(dir, 0.2, 7)
	_, other, _ := Open(dir, 0.2, 8)
	if !reflect.DeepEqual(val, again) {
		t.Error("the same seed splits differently")
	}
	if reflect.DeepEqual(val, other) {
		t.Error("another seed splits the same way")
	}
	moved := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if _, there, err := Open(moved, 0.2, 7); err != nil || !slices.Equal(keys(there), keys(val)) {
		t.Errorf("a moved folder splits differently (%v)", err)
	}
}

// TestSplitStaysTheSame: which images were trained on follows from the hash, so it must not change.
// The hashes are those of Python: hashlib.sha256((7).to_bytes(8, "big") + b"cat/001.jpg").
func TestSplitStaysTheSame(t *testing.T) {
	s := Split{Fraction: 0.25, Seed: 7}
	if got, want := s.hash("cat/001.jpg"), uint64(0x557443d7d9a7307a); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	if got, want := s.threshold(), uint64(1<<62); got != want {
		t.Errorf("threshold %#x, want %#x", got, want)
	}
}

// TestSplitOfEverySize: each class of two or more images has one in both parts, for any fraction.
func TestSplitOfEverySize(t *testing.T) {
	for _, fraction := range []float64{1e-9, 0.1, 0.5, 0.9, 0.999999} {
		for n := 1; n <= 20; n++ {
			for seed := range uint64(20) {
				all := dataset(numbered("a", 0, n)...)
				train, val := newSplit(all, fraction, seed).divide(all)
				if train.Len() < 1 || n > 1 && val.Len() < 1 || train.Len()+val.Len() != n {
					t.Fatalf("fraction %v, seed %d: %d images become %d and %d", fraction, seed, n, train.Len(), val.Len())
				}
			}
		}
	}
	same := dataset("a/1.jpg", "a/1.jpg", "a/1.jpg")
	if train, val := newSplit(same, 0.5, 0).divide(same); train.Len() != 3 || val.Len() != 0 {
		t.Errorf("images of one key are divided into %d and %d: they belong together", train.Len(), val.Len())
	}
}

// TestGrownDataSet: images that are added move none from train to val, and the recorded split, with
// which trained weights are measured, moves none when images are removed either.
func TestGrownDataSet(t *testing.T) {
	for seed := range uint64(50) {
		before := dataset(slices.Concat(numbered("a", 10, 3), numbered("b", 0, 40), numbered("c", 5, 8))...)
		split := newSplit(before, 0.2, seed)
		train, val := split.divide(before)
		for _, c := range []struct {
			name  string
			set   *data.Dataset
			grown bool
		}{
			{"grown by a few", dataset(slices.Concat(numbered("a", 9, 5), numbered("b", 0, 43), numbered("c", 5, 9))...), true},
			{"grown by many", dataset(slices.Concat(numbered("a", 0, 90), numbered("b", 0, 90), numbered("c", 0, 90))...), true},
			{"with a new class in front", dataset(slices.Concat(numbered("0", 0, 9), numbered("a", 10, 3), numbered("b", 0, 40), numbered("c", 5, 8))...), true},
			{"with images removed", dataset(slices.Concat(numbered("a", 11, 2), numbered("b", 7, 20), numbered("c", 6, 2))...), false},
			{"some removed and some added", dataset(slices.Concat(numbered("a", 12, 30), numbered("b", 30, 60))...), false},
		} {
			_, recorded := split.divide(c.set)
			checkNotTrained(t, c.name+", the recorded split", keys(recorded), keys(train))
			if c.grown {
				_, anew := newSplit(c.set, 0.2, seed).divide(c.set)
				large := slices.DeleteFunc(keys(train), func(k string) bool { return k[0] == 'a' }) // all three images of a can be below the threshold
				checkNotTrained(t, c.name+", a new split", keys(anew), large)
				for _, k := range keys(val) {
					if !slices.Contains(keys(recorded), k) {
						t.Errorf("%s: %s was held out and is not measured", c.name, k)
					}
				}
			}
		}
	}
}

func checkNotTrained(t *testing.T, name string, val, train []string) {
	t.Helper()
	for _, k := range val {
		if slices.Contains(train, k) {
			t.Errorf("%s: %s moved from train to val", name, k)
		}
	}
}

// TestSplitByOrder: the rule of older versions. The files come from it.
func TestSplitByOrder(t *testing.T) {
	all := dataset(slices.Concat(numbered("a", 0, 1), numbered("b", 0, 2), numbered("c", 0, 10), numbered("d", 0, 95))...)
	train, val := SplitByOrder(all, 0.2, 7)
	if got, want := val.Counts(), []int{0, 1, 2, 19}; !reflect.DeepEqual(got, want) {
		t.Errorf("val has %v images a class, want %v", got, want)
	}
	if got, want := train.Counts(), []int{1, 1, 8, 76}; !reflect.DeepEqual(got, want) {
		t.Errorf("train has %v images a class, want %v", got, want)
	}
	if got, want := keys(val)[:3], []string{"b/001.jpg", "c/001.jpg", "c/005.jpg"}; !slices.Equal(got, want) {
		t.Errorf("val begins with %q, want %q", got, want)
	}
}
