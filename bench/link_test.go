package bench

import (
	"math"
	"testing"
)

// near fails the test unless a value is the wanted one, up to rounding.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestLinkAllReduce compares with calculations by hand, in microseconds. A Gbit/s is 125 bytes a microsecond.
func TestLinkAllReduce(t *testing.T) {
	for _, c := range []struct {
		name  string
		link  Link
		bytes int64
		ranks int
		want  float64
	}{
		{"one rank", Link{100, 1}, 1000, 1, 0},
		{"nothing", Link{100, 1}, 0, 2, 0},
		{"latency alone, gathered, 2 ranks", Link{100, 0}, 1000, 2, 100},
		{"latency alone, gathered, 5 ranks", Link{100, 0}, 1000, 5, 4 * 100},
		{"latency alone, ring, 2 ranks", Link{100, 0}, 100_000, 2, 2 * 100},
		{"latency alone, ring, 5 ranks", Link{100, 0}, 100_000, 5, 2 * 4 * 100},
		{"bandwidth alone, gathered, 3 ranks", Link{0, 8}, 40_000, 3, 2 * 40},
		{"bandwidth alone, 2 ranks", Link{0, 8}, 1 << 20, 2, 2 * (1 << 19) / 1000.},
		{"bandwidth alone, 4 ranks", Link{0, 8}, 800_000, 4, 2 * 3 * 200},
		// two segments of 250 us: the second arrives after 2*250 + 100
		{"bandwidth with some latency", Link{100, 8}, 1_000_000, 2, 2 * (2*250 + 100)},
		// rounds of two segments of 100 us, 1100 us each until the first one is there, and the second of the last round
		{"latency with some bandwidth", Link{1000, 8}, 800_000, 4, 2 * (3*1100 + 100)},
		// parts of 8 MiB in 8 segments; the link is never free
		{"several segments", Link{100, 8}, 16 << 20, 2, 2 * (8<<20/1000. + 100)},
		// parts of 2.67 MiB in 3 segments, so 6 in each of the two phases
		{"an odd number of segments", Link{0, 8}, 8 << 20, 3, 2 * 2 * (8 << 20) / 3. / 1000},
	} {
		t.Run(c.name, func(t *testing.T) { near(t, "time", 1e6*c.link.AllReduce(c.bytes, c.ranks), c.want) })
	}
}

// TestFitLink: from the times of a link follows that link.
func TestFitLink(t *testing.T) {
	for _, ranks := range []int{2, 3, 8} {
		want := Link{LatencyUS: 40, GBits: 2.5}
		var sizes []AllReduceSize
		for _, bytes := range append([]int64{8}, AllReduceSizes()...) {
			sizes = append(sizes, AllReduceSize{Bytes: bytes, MedianMS: 1000 * want.AllReduce(bytes, ranks)})
		}
		got, err := fitLink(ranks, sizes)
		if err != nil {
			t.Fatal(err)
		}
		// 8 bytes take the latency and a little; 16 MiB the bandwidth, 54 ms or more, and two latencies
		if math.Abs(got.LatencyUS-want.LatencyUS) > 0.1 || math.Abs(got.GBits-want.GBits) > 0.02 {
			t.Errorf("%d ranks: %+v, want %+v", ranks, got, want)
		}
	}
	if _, err := fitLink(2, nil); err == nil {
		t.Error("no sizes: no error")
	}
	if _, err := fitLink(1, []AllReduceSize{{Bytes: 8, MedianMS: 1}}); err == nil {
		t.Error("one rank: no error")
	}
}

func TestRankGBits(t *testing.T) {
	near(t, "2 ranks", RankGBits(1_000_000, 2, 0.001), 8)
	near(t, "4 ranks", RankGBits(1_000_000, 4, 0.001), 12)
}
