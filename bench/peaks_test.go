package bench

import (
	"errors"
	"strings"
	"testing"

	"depthwise.dev/autograd"
)

// measured are peaks in GFLOP/s and GB/s: products, fp32 products, memory.
func measured(products, floats, memory float64) autograd.BackbonePeaks {
	return autograd.BackbonePeaks{MultiplyAdds: products / 2 * 1e9, FloatMultiplyAdds: floats / 2 * 1e9, Read: memory * 1e9, Add: memory / 2 * 1e9}
}

// TestSettlePeaks: peaks that other processes disturbed are measured again, and what remains doubtful is said.
func TestSettlePeaks(t *testing.T) {
	quiet := measured(600, 300, 50)
	for _, c := range []struct {
		name   string
		bf16   bool
		first  []autograd.BackbonePeaks // before and after the steps
		then   autograd.BackbonePeaks   // always
		passMS float64                  // of a layer with 1.2 GFLOP, whose floor is 2 ms
		tries  int
		doubts []string
	}{
		{"quiet", true, []autograd.BackbonePeaks{quiet, measured(580, 295, 48)}, quiet, 3, 2, nil},
		{"one disturbed", true, []autograd.BackbonePeaks{quiet, measured(200, 100, 20)}, quiet, 3, 3, nil},
		{"both disturbed alike, which the layer shows", true, []autograd.BackbonePeaks{measured(200, 100, 20), measured(200, 100, 20)}, quiet, 3, 4, nil},
		{"bf16 below fp32, then not", true, []autograd.BackbonePeaks{measured(250, 300, 50), measured(250, 300, 50)}, quiet, 9, 4, nil},
		{"bf16 below fp32 always", true, []autograd.BackbonePeaks{measured(250, 300, 50), measured(250, 300, 50)}, measured(240, 300, 50), 9, peakTries,
			[]string{"250 GFLOP/s in bf16 are fewer than 300 in fp32"}},
		{"bf16 without an instruction of its own", false, []autograd.BackbonePeaks{measured(250, 300, 50), measured(250, 300, 50)}, quiet, 9, 2, nil},
		{"a layer above the roof always", false, []autograd.BackbonePeaks{quiet, quiet}, quiet, 1, peakTries, []string{"conv_stem computed faster than the peak"}},
		{"never twice the same", true, []autograd.BackbonePeaks{measured(600, 300, 50), measured(400, 200, 30)}, measured(300, 100, 20), 3, peakTries,
			[]string{"the two best measurements of products differ by 33 %", "of fp32 products differ by 33 %", "of memory differ by 40 %"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			p := &peakMeasurements{bf16: c.bf16, measure: func() (autograd.BackbonePeaks, error) {
				if calls++; calls <= len(c.first) {
					return c.first[calls-1], nil
				}
				return c.then, nil
			}}
			if err := errors.Join(p.again(), p.again()); err != nil {
				t.Fatal(err)
			}
			table := LayerTable{Layers: []LayerSpeed{{Name: "conv_stem", Kind: convRow, Forward: &PassSpeed{FLOP: 1.2e9, Bytes: 1e6}}}}
			doubt, err := p.settle(&table, []float64{c.passMS / 1000, 0.010})
			if err != nil || calls != c.tries {
				t.Errorf("%d measurements, want %d; error %v", calls, c.tries, err)
			}
			if (doubt == "") != (c.doubts == nil) {
				t.Errorf("doubt %q, want %q", doubt, c.doubts)
			}
			for _, want := range c.doubts {
				if !strings.Contains(doubt, want) {
					t.Errorf("doubt %q lacks %q", doubt, want)
				}
			}
			if c.doubts == nil && c.bf16 && table.Peaks.GFLOPS != 600 {
				t.Errorf("peaks %+v, want the best", table.Peaks)
			}
		})
	}
	failure := errors.New("failure")
	p := &peakMeasurements{list: []autograd.BackbonePeaks{quiet}, measure: func() (autograd.BackbonePeaks, error) { return quiet, failure }}
	if _, err := p.settle(&LayerTable{}, []float64{1}); !errors.Is(err, failure) {
		t.Errorf("a failed measurement: %v", err)
	}
}
