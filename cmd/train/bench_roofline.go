package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/bench"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report"
)

// labeled is the number of labeled points: those with the most time above their floors.
const labeled = 12

// plotRoofline writes the chart unless file is empty.
func plotRoofline(file string, chart report.Roofline) error {
	if file == "" {
		return nil
	}
	var picture bytes.Buffer
	if err := report.WriteRoofline(&picture, chart); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(file, 0o644, picture.Bytes()); err != nil {
		return fmt.Errorf("bench: --plot %s: %w", file, err)
	}
	return nil
}

// rooflineOf returns a chart with a point for each convolution and direction, and for a head whose
// bytes are known.
func rooflineOf(what string, r bench.ComputeSpeed, t bench.LayerTable) report.Roofline {
	chart := report.Roofline{Memory: t.Peaks.GBS, Title: fmt.Sprintf("%s: %s, batch %d at %d, %s, backend %s, %d threads",
		t.Processor, what, r.Batch, r.Resolution, r.Precision, r.Kernels, r.Threads)}
	if r.Precision != "fp32" {
		chart.Roofs = append(chart.Roofs, report.Roof{Name: r.Precision + " products", GFLOPS: t.Peaks.GFLOPS})
	}
	chart.Roofs = append(chart.Roofs, report.Roof{Name: "fp32 products", GFLOPS: t.Peaks.FloatGFLOPS})
	slices.SortFunc(chart.Roofs, func(a, b report.Roof) int { return cmp.Compare(b.GFLOPS, a.GFLOPS) })
	names := map[string]string{"conv": "stem", "depthwise": "depthwise", "pointwise": "pointwise", "head": "classifier"}
	var lost []float64 // ms above the floor, of each point
	for _, l := range t.Layers {
		kind, ok := names[l.Kind]
		for i, p := range []*bench.PassSpeed{l.Forward, l.Backward} {
			if !ok || p == nil || p.Bytes == 0 {
				continue
			}
			label := fmt.Sprintf("%s %.1fx", strings.TrimPrefix(l.Name, "blocks."), p.MS/p.FloorMS())
			chart.Points = append(chart.Points, report.RooflinePoint{Kind: kind, Label: label, Backward: i == 1,
				Intensity: float64(p.FLOP) / float64(p.Bytes), GFLOPS: p.GFLOPS})
			lost = append(lost, p.MS-p.FloorMS())
		}
	}
	most := slices.Sorted(slices.Values(lost))
	for i := range chart.Points {
		if lost[i] < most[max(0, len(most)-labeled)] {
			chart.Points[i].Label = ""
		}
	}
	return chart
}
