package main

import (
	"testing"

	"depthwise.dev/bench"
)

// TestRooflineOf: a point for each direction of each convolution, none for other rows, and labels
// where most time is lost.
func TestRooflineOf(t *testing.T) {
	pass := func(ms, floor float64) *bench.PassSpeed {
		return &bench.PassSpeed{MS: ms, FLOP: 6e6, Bytes: 2e6, GFLOPS: 6 / ms, MemoryFloorMS: floor}
	}
	var r bench.StepLayersSpeed
	r.Peaks = bench.Peaks{GFLOPS: 1000, FloatGFLOPS: 500, GBS: 100}
	r.Precision = "bf16"
	r.Layers = []bench.LayerSpeed{{Name: "pack weights", Kind: "pack", Forward: pass(9, 1)}, {Name: "conv_stem", Kind: "conv", Forward: pass(4, 1)}}
	for i := range 10 {
		r.Layers = append(r.Layers, bench.LayerSpeed{Name: "blocks.0.0.conv_pw", Kind: "pointwise", Forward: pass(1.1, 1), Backward: pass(2+float64(i), 1)})
	}
	chart := rooflineOf("training step", r.ComputeSpeed, r.LayerTable)
	if len(chart.Points) != 21 || len(chart.Roofs) != 2 || chart.Roofs[0].GFLOPS != 1000 || chart.Memory != 100 {
		t.Fatalf("%+v", chart)
	}
	if p := chart.Points[0]; p.Label != "conv_stem 4.0x" || p.Intensity != 3 || p.GFLOPS != 1.5 || p.Backward || p.Kind != "stem" {
		t.Errorf("the stem is %+v", p)
	}
	if p := chart.Points[20]; p.Label != "0.0.conv_pw 11.0x" || !p.Backward {
		t.Errorf("the worst is %+v", p)
	}
}
