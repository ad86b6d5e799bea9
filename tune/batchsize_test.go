package tune

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestBatchSizes(t *testing.T) {
	saturating := func(n int) float64 { return 1000 * float64(n) / (float64(n) + 100) } // as a GPU
	twoCores := func(n int) float64 { return map[int]float64{128: 11805, 256: 14450}[n] }
	half := func(n int) float64 { return map[int]float64{32: 100, 64: 150}[n] }
	flat := func(int) float64 { return 400 }
	for _, c := range []struct {
		name        string
		base, limit int
		fits        int // the largest size of the estimate
		memory      int // the largest size in truth
		speed       func(int) float64
		want        int
		measured    int // the number of sizes
		reason      string
	}{
		{"no larger one is faster", 32, 512, 1e6, 1e6, flat, 32, 3, "no larger one is at least 50 % faster"},
		{"a larger one is faster and does not pay", 128, 256, 1e6, 1e6, twoCores, 128, 2, "no larger one is at least 50 % faster, to make up for fewer steps in an epoch (img/s: 128: 11805, 256: 14450)"},
		{"as fast as it has to be", 32, 64, 1e6, 1e6, half, 64, 2, "at least 50 % faster than the recipe's"},
		{"larger ones pay", 32, 512, 1e6, 1e6, saturating, 512, 5, "the smallest within 5 % of the fastest"},
		{"few images", 32, 40, 1e6, 1e6, saturating, 32, 1, "few steps in an epoch"},
		{"limit between", 32, 100, 1e6, 1e6, saturating, 64, 2, "within 5 %"},
		{"base is no power of two", 100, 512, 1e6, 1e6, flat, 100, 3, "100: 400, 128: 400, 256: 400"},
		{"base above the largest", 1024, 4096, 1e6, 1e6, saturating, 1024, 1, "1024: "},
		{"memory by the estimate", 32, 512, 64, 1e6, saturating, 64, 2, "128 does not fit into memory"},
		{"memory in truth", 32, 512, 1e6, 64, saturating, 64, 2, "128 does not fit into memory"},
		{"base does not fit", 32, 512, 1e6, 20, saturating, 16, 1, "below the 32 that the learning rate is meant for"},
		{"only one image fits", 24, 512, 1, 1e6, saturating, 1, 1, "largest that fits"},
		{"slower in between", 32, 512, 1e6, 1e6, func(n int) float64 { return map[int]float64{32: 200, 64: 180, 128: 400}[n] }, 128, 5, "within 5 %"},
	} {
		got, err := BatchSizes{Base: c.base, Limit: c.limit, Fits: func(n int) bool { return n <= c.fits }, Measure: func(n int) (float64, error) {
			if n > c.memory {
				return 0, ErrOutOfMemory
			}
			return c.speed(n), nil
		}}.Choose()
		if err != nil || got.Size != c.want || len(got.Speeds) != c.measured || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %+v, error %v; want %d of %d sizes, %q", c.name, got, err, c.want, c.measured, c.reason)
		}
	}
}

func TestBatchSizesErrors(t *testing.T) {
	b := BatchSizes{Base: 32, Limit: math.MaxInt, Fits: func(int) bool { return false }}
	if _, err := b.Choose(); !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "--resolution") {
		t.Errorf("nothing fits: error %v", err)
	}
	broken := errors.New("broken")
	b.Fits, b.Measure = func(int) bool { return true }, func(int) (float64, error) { return 0, broken }
	if _, err := b.Choose(); !errors.Is(err, broken) {
		t.Errorf("a broken measurement: error %v", err)
	}
}
