package bench

import (
	"fmt"
	"testing"
)

// TestPredict compares with calculations by hand, in milliseconds. With 2 ranks a link of 8 Gbit/s sums 1 MB in 1 ms, with 4 ranks
// in 1.5 ms.
func TestPredict(t *testing.T) {
	profile := StepProfile{StepMS: 100, BackwardMS: 90, StatisticsBytes: 1_000_000,
		Buckets: []Bucket{{ReadyMS: 50, Bytes: 10_000_000}, {ReadyMS: 60, Bytes: 20_000_000}, {ReadyMS: 90, Bytes: 1_000_000}}}
	const agreement = 1000 * agreementBytes / 1e9 // 2 ranks, in ms; gathered, with 4 ranks 3 times that
	for _, c := range []struct {
		name  string
		ranks int
		link  Link
		cpu   float64
		want  Prediction
	}{
		{"one rank", 1, Link{100, 8}, 1, Prediction{Ranks: 1, StepMS: 100, Efficiency: 1}},
		// 50 to 51, 51 to 61, 61 to 81; the last bucket after the backward pass
		{"hidden but for the last bucket", 2, Link{0, 8}, 0, Prediction{2, 101 + agreement, 32 + agreement, 1 + agreement, 100 / (101 + agreement)}},
		// 50 to 51.5, 66.5, 96.5, 98
		{"4 ranks", 4, Link{0, 8}, 0, Prediction{4, 108 + 3*agreement, 48 + 3*agreement, 8 + 3*agreement, 100 / (108 + 3*agreement)}},
		// 50 to 60, 160, 360, 370
		{"the link is the bottleneck", 2, Link{0, 0.8}, 0, Prediction{2, 380 + 10*agreement, 320 + 10*agreement, 280 + 10*agreement, 100 / (380 + 10*agreement)}},
		// two segments take 1 ms in each of the phases: 2 ms for a sum, 1 ms for a small one, and 3 and 5 times that for 10 and 20 MB in 1 MiB segments
		{"latency", 2, Link{1000, 0}, 0, Prediction{2, 103, 2 + 6 + 10 + 2 + 1, 3, 100 / 103.}},
		// 32 MB take 3.2 ms from computing: the last sum ends before the backward pass
		{"processors' time", 2, Link{0, 8}, 1e-10, Prediction{2, 103.2 + agreement, 32 + agreement, agreement, 100 / (103.2 + agreement)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := profile.Predict(c.ranks, c.link, c.cpu)
			if got.Ranks != c.want.Ranks {
				t.Errorf("%d ranks", got.Ranks)
			}
			near(t, "step", got.StepMS, c.want.StepMS)
			near(t, "communication", got.CommunicationMS, c.want.CommunicationMS)
			near(t, "exposed", got.ExposedMS, c.want.ExposedMS)
			near(t, "efficiency", got.Efficiency, c.want.Efficiency)
		})
	}
	if profile.Bytes() != 32_000_000 {
		t.Errorf("%d bytes", profile.Bytes())
	}
}

// TestPredictOrder: more ranks and more latency never make a step faster, and more bandwidth never slower.
func TestPredictOrder(t *testing.T) {
	profile := StepProfile{StepMS: 100, BackwardMS: 90, Buckets: []Bucket{{ReadyMS: 50, Bytes: 1 << 20}, {ReadyMS: 90, Bytes: 13 << 20}}}
	last := 0.0
	for _, ranks := range PredictedRanks {
		for _, l := range []Link{{10, 100}, {10, 10}, {100, 10}, {100, 1}, {1000, 1}} {
			step := profile.Predict(ranks, l, 0).StepMS
			if step < last {
				t.Errorf("%d ranks, %+v: %v ms, less than %v", ranks, l, step, last)
			}
			last = step
		}
		last = profile.Predict(ranks, Link{10, 100}, 0).StepMS
	}
}

func ExampleStepProfile_Predict() {
	// A step of 300 ms whose backward pass ends after 290 ms, with 17 MB of gradients.
	p := StepProfile{StepMS: 300, BackwardMS: 290, Buckets: []Bucket{{ReadyMS: 100, Bytes: 4_000_000}, {ReadyMS: 290, Bytes: 13_000_000}}}
	for _, ranks := range []int{2, 16} {
		n := p.Predict(ranks, Link{LatencyUS: 50, GBits: 10}, 0)
		fmt.Printf("%d ranks: %.0f ms per step, efficiency %.0f %%\n", ranks, n.StepMS, 100*n.Efficiency)
	}
	// Output:
	// 2 ranks: 311 ms per step, efficiency 97 %
	// 16 ranks: 320 ms per step, efficiency 94 %
}
