package shards

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"depthwise.dev/data"
)

// batchesOf returns, for each batch of an epoch, the samples and the pixels that all ranks have together.
func batchesOf(t *testing.T, d *data.Dataset, o data.LoaderOptions) []string {
	t.Helper()
	var samples [][]int
	var pixels [][]uint8
	for o.Rank = range max(o.Ranks, 1) {
		it := newLoader(t, d, o).Epoch(t.Context(), 1, 0)
		for {
			b, err := it.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if b.Index == len(samples) {
				samples, pixels = append(samples, nil), append(pixels, nil)
			}
			samples[b.Index] = append(samples[b.Index], b.Samples...)
			pixels[b.Index] = append(pixels[b.Index], b.Pixels...)
		}
		it.Close()
	}
	var all []string
	for i := range samples {
		all = append(all, fmt.Sprint(samples[i], pixels[i]))
	}
	return all
}

// TestRanksHaveTheBatchTogether: as of folders, at random and as a stream.
func TestRanksHaveTheBatchTogether(t *testing.T) {
	train, val := classFolderSets(t, 40, 8)
	dir := t.TempDir()
	writeShards(t, dir, train, val, Options{PerShard: 7})
	local, _ := openBoth(t, dir)
	for _, c := range []struct {
		name string
		set  *data.Dataset
	}{{"local", local}, {"remote", inMemory(t, dir)}} {
		for _, buffer := range []int{0, 10} {
			t.Run(fmt.Sprintf("%s, buffer %d", c.name, buffer), func(t *testing.T) {
				o := training(2)
				o.ShuffleBuffer = buffer
				want := batchesOf(t, c.set, o)
				for _, o.Ranks = range []int{1, 2, 3, 4, 8} {
					if got := batchesOf(t, c.set, o); !slices.Equal(got, want) {
						t.Errorf("%d ranks have other batches", o.Ranks)
					}
				}
			})
		}
	}
}

// inMemory returns the train part of a folder of shards as a remote data set.
func inMemory(t *testing.T, dir string) *data.Dataset {
	t.Helper()
	m := newMemory(0, 0)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m.objects["m://x/"+e.Name()] = content
	}
	s := Source{Path: "m://x", Cache: t.TempDir(), Remote: m}
	found, _, err := s.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := s.Open(t.Context(), found.Root, found.Train)
	if err != nil {
		t.Fatal(err)
	}
	if !set.Remote() {
		t.Fatal("the data set is not remote")
	}
	return set
}
