package config

import (
	"math"
	"testing"

	"depthwise.dev/models/mobilenet"
)

func TestDefaultIsVariantPaper(t *testing.T) {
	want, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	want.Classes = 0 // the data decides
	if got := Default().Model; got != want {
		t.Errorf("Default().Model = %+v, want %+v", got, want)
	}
}

// TestGlobalBatch: ranks multiply the batch size, which has no limit.
func TestGlobalBatch(t *testing.T) {
	for _, c := range []struct{ batch, ranks, want int }{{32, 0, 32}, {32, 1, 32}, {32, 4, 128}, {math.MaxInt, 1, math.MaxInt}, {math.MaxInt/2 + 1, 2, math.MaxInt}} {
		config := Default()
		config.BatchSize, config.Ranks = c.batch, c.ranks
		if got := config.GlobalBatch(); got != c.want {
			t.Errorf("batch size %d of %d ranks: %d images, want %d", c.batch, c.ranks, got, c.want)
		}
		if got := config.LoaderOptions(true).BatchSize; got != c.want {
			t.Errorf("batch size %d of %d ranks: the loader has %d images, want %d", c.batch, c.ranks, got, c.want)
		}
	}
}
