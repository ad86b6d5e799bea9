package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/bench"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report/charts"
)

// labeled is the number of labeled points: those with the most time above their floors.
const labeled = 12

// plotRoofline writes the chart unless file is empty.
func plotRoofline(file string, chart charts.Roofline) error {
	if file == "" {
		return nil
	}
	var picture bytes.Buffer
	if err := charts.WritePNG(&picture, chart); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(file, 0o644, picture.Bytes()); err != nil {
		return fmt.Errorf("bench: --plot %s: %w", file, err)
	}
	return nil
}

// rooflineOf returns a chart with a point for each convolution and direction, and for a head whose
// bytes are known. It has no roofs where the peaks are unreliable.
func rooflineOf(what string, r bench.ComputeSpeed, t bench.LayerTable) charts.Roofline {
	chart := charts.Roofline{Title: fmt.Sprintf("%s: %s, batch %d at %d, %s, backend %s, %d threads",
		t.Processor, what, r.Batch, r.Resolution, r.Precision, r.Kernels, r.Threads)}
	if t.Doubt == "" {
		chart.Memory, chart.Roofs = t.Peaks.GBS, roofs(r.Precision, t.Peaks)
	} else {
		chart.Title += " (no roofs: unreliable peaks)"
	}
	lost := addPoints(&chart, t) // ms above the floor, of each point
	most := slices.Sorted(slices.Values(lost))
	for i := range chart.Points {
		if lost[i] < most[max(0, len(most)-labeled)] {
			chart.Points[i].Label = ""
		}
	}
	return chart
}

// addPoints adds the points, all with labels, and returns the milliseconds above the floor of each; without roofs all of its
// milliseconds.
func addPoints(chart *charts.Roofline, t bench.LayerTable) (lost []float64) {
	names := map[string]string{"conv": "stem", "depthwise": "depthwise", "pointwise": "pointwise", "head": "classifier"}
	for _, l := range t.Layers {
		kind, ok := names[l.Kind]
		for i, p := range []*bench.PassSpeed{l.Forward, l.Backward} {
			if !ok || p == nil || p.Bytes == 0 {
				continue
			}
			label, above := strings.TrimPrefix(l.Name, "blocks."), p.MS
			if t.Doubt == "" {
				label += fmt.Sprintf(" %.1fx", p.MS/p.FloorMS())
				above -= p.FloorMS()
			}
			chart.Points = append(chart.Points, charts.RooflinePoint{Kind: kind, Label: label, Backward: i == 1,
				Intensity: float64(p.FLOP) / float64(p.Bytes), GFLOPS: p.GFLOPS})
			lost = append(lost, above)
		}
	}
	return lost
}

// roofs are the arithmetic peaks, the highest first.
func roofs(precision string, p bench.Peaks) []charts.Roof {
	list := []charts.Roof{{Name: "fp32 products", GFLOPS: p.FloatGFLOPS}}
	if precision != "fp32" {
		list = append(list, charts.Roof{Name: precision + " products", GFLOPS: p.GFLOPS})
	}
	slices.SortStableFunc(list, func(a, b charts.Roof) int { return cmp.Compare(b.GFLOPS, a.GFLOPS) })
	return list
}
