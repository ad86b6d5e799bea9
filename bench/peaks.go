package bench

import (
	"fmt"
	"strings"

	"depthwise.dev/autograd"
)

// Tolerances of doubt.
const (
	// agreement is how close the second best measurement of a peak must come: on an idle machine they differ by 1 to 3 %.
	agreement = 0.9
	// aboveRoof is how far a layer may exceed a peak: clocks vary by a few per cent.
	aboveRoof = 1.05
	// peakTries bounds the measurements, of half a second each.
	peakTries = 8
)

// peakMeasurements are measurements of the peaks. The best of each counts, because other load on the machine lowers them.
type peakMeasurements struct {
	measure func() (autograd.BackbonePeaks, error)
	list    []autograd.BackbonePeaks
	bf16    bool // products in bf16 have an instruction of their own, which computes at least as many as fp32's
}

func (p *peakMeasurements) again() error {
	m, err := p.measure()
	p.list = append(p.list, m)
	return err
}

func (p *peakMeasurements) best() autograd.BackbonePeaks {
	var best autograd.BackbonePeaks
	for _, m := range p.list {
		best = best.Best(m)
	}
	return best
}

// settle measures until nothing makes the peaks doubtful for the rows, or until the last try, and returns what remains.
func (p *peakMeasurements) settle(t *LayerTable, seconds []float64) (doubt string, err error) {
	for {
		t.Peaks = newPeaks(p.best())
		t.fill(seconds)
		doubts := p.doubts(t)
		if doubts == nil || len(p.list) >= peakTries {
			return strings.Join(doubts, "; "), nil
		}
		if err := p.again(); err != nil {
			return "", err
		}
	}
}

// doubts lists what shows that a peak was measured too low.
func (p *peakMeasurements) doubts(t *LayerTable) []string {
	var list []string
	for _, kind := range []struct {
		name string
		of   func(autograd.BackbonePeaks) float64
	}{
		{"products", func(m autograd.BackbonePeaks) float64 { return m.MultiplyAdds }},
		{"fp32 products", func(m autograd.BackbonePeaks) float64 { return m.FloatMultiplyAdds }},
		{"memory", autograd.BackbonePeaks.Bandwidth},
	} {
		if best, second := highest(p.list, kind.of); second < agreement*best {
			list = append(list, fmt.Sprintf("the two best measurements of %s differ by %.0f %%", kind.name, 100*(1-second/best)))
		}
	}
	if p.bf16 && t.Peaks.GFLOPS < t.Peaks.FloatGFLOPS {
		list = append(list, fmt.Sprintf("%.0f GFLOP/s in bf16 are fewer than %.0f in fp32", t.Peaks.GFLOPS, t.Peaks.FloatGFLOPS))
	}
	if name := t.aboveRoof(); name != "" {
		list = append(list, name+" computed faster than the peak")
	}
	return list
}

// highest returns the two highest values.
func highest(list []autograd.BackbonePeaks, of func(autograd.BackbonePeaks) float64) (best, second float64) {
	for _, m := range list {
		v := of(m)
		best, second = max(best, v), max(second, min(best, v))
	}
	return best, second
}

// aboveRoof returns the first row that exceeds the arithmetic peak, or "". That of memory can be exceeded: small layers stay in
// caches.
func (t *LayerTable) aboveRoof() string {
	for _, l := range t.Layers {
		for _, p := range l.passes() {
			if p.MS > 0 && p.ArithmeticFloorMS > aboveRoof*p.MS {
				return l.Name
			}
		}
	}
	return ""
}
