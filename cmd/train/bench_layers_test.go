package main

import (
	"strings"
	"testing"

	"depthwise.dev/bench"
	"depthwise.dev/internal/host"
)

func TestStepText(t *testing.T) {
	quiet := bench.Timing{StepMS: 17.25, P99MS: 19.5, MeanMS: 17.5, Measured: 116, Load: host.Load{Processors: 2, Seconds: 2, Known: true}}
	few := quiet
	few.StepMS, few.P99MS, few.MeanMS, few.Measured = 1.5, 1.75, 1.5, 10
	shared := quiet
	shared.MeanMS, shared.Load.Others, shared.Load.Average = 32, 0.48, 3.2
	for _, c := range []struct {
		name    string
		timing  bench.Timing
		threads int
		want    string
	}{
		{"quiet", quiet, 2, "1855.1 img/s, median 17.25 ms, p99 19.50 ms per step of 32 (bf16, backend fused avx512bf16, 54 layers fused, 2 threads), peak memory 293 MB\n"},
		{"few", few, 1, "21333.3 img/s, median 1.500 ms, slowest of 10 1.750 ms per step of 32 (bf16, backend fused avx512bf16, 54 layers fused, 1 thread), peak memory 293 MB\n"},
		{"shared", shared, 2, "1855.1 img/s, median 17.25 ms, p99 19.50 ms per step of 32 (bf16, backend fused avx512bf16, 54 layers fused, 2 threads), peak memory 293 MB\n" +
			"note: 1000.0 img/s on average over all steps: some take far longer than the median\n" +
			"note: other processes took 48 % of the 2 processors (load average before 3.2): figures of a shared machine\n"},
	} {
		speed := bench.ComputeSpeed{Timing: c.timing, Batch: 32, Precision: "bf16", Kernels: "fused avx512bf16", Fused: 54, Threads: c.threads, PeakRSSMB: 293}
		if got := stepText(bench.StepSpeed{ImagesPerSecond: 32000 / c.timing.StepMS, ComputeSpeed: speed}); got != c.want {
			t.Errorf("%s:\n%swant\n%s", c.name, got, c.want)
		}
	}
}

// TestLayersText: floors and what derives from them are shown only for peaks that nothing makes doubtful.
func TestPeakText(t *testing.T) {
	for _, c := range []struct {
		name  string
		speed bench.ComputeSpeed
		want  string
	}{
		{"the CPU", bench.ComputeSpeed{PeakRSSMB: 293, Device: "cpu"}, "peak memory 293 MB"},
		{"a GPU", bench.ComputeSpeed{PeakRSSMB: 293, Device: "cuda:1", GPU: "NVIDIA H200", PeakGPUMB: 9876}, "peak memory 293 MB, 9876 MB on cuda:1 NVIDIA H200"},
	} {
		if got := peakText(c.speed); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLayersText(t *testing.T) {
	r := bench.StepLayersSpeed{StepSpeed: bench.StepSpeed{ImagesPerSecond: 100, ComputeSpeed: bench.ComputeSpeed{
		Timing: bench.Timing{StepMS: 40, P99MS: 41, MeanMS: 40, Measured: 10}, Batch: 4, Precision: "bf16", Kernels: "fused", Threads: 2}}}
	r.Peaks, r.FloorMS = bench.Peaks{GFLOPS: 500, FloatGFLOPS: 250, ReadGBS: 40, AddGBS: 30, GBS: 40}, 20
	pass := func() *bench.PassSpeed {
		return &bench.PassSpeed{MS: 10, Share: 0.25, FLOP: 1e9, Bytes: 1e8, GFLOPS: 100, GBS: 10, MemoryFloorMS: 2.5, ArithmeticFloorMS: 2}
	}
	r.Layers = []bench.LayerSpeed{{Name: "conv_stem", Kind: "conv", Forward: pass(), Backward: pass()}, {Name: "update", Kind: "update", Backward: &bench.PassSpeed{MS: 1}}}
	const floors = "floors: 20.0 ms, the sum over layers of the higher floor; the step takes 2.00 times that\n"
	if got := layersText(r); !strings.Contains(got, floors) || strings.Count(got, "/memory") != 3 || strings.Count(got, " 5.00") != 2 || strings.Contains(got, "note") {
		t.Errorf("with floors:\n%s", got)
	}
	r.Doubt = "one reason"
	got := layersText(r)
	if !strings.Contains(got, "note: the measured peaks are unreliable, so floors: none; repeat on an idle machine: one reason\n") ||
		strings.Contains(got, "/memory") || strings.Contains(got, " 5.00") || strings.Contains(got, "times that") {
		t.Errorf("without floors:\n%s", got)
	}
	lines := strings.Split(got, "\n")
	at := func(prefix, word string) int {
		for _, line := range lines {
			if strings.HasPrefix(line, prefix) && strings.Contains(line, word) {
				return strings.LastIndex(line, word) + len(word)
			}
		}
		return -1
	}
	if heading, value := at("    ", "GFLOP/s"), at("conv_stem", "100"); heading != value {
		t.Errorf("the last column of GFLOP/s ends at %d, its values at %d:\n%s", heading, value, got)
	}
	if chart := rooflineOf("step", r.ComputeSpeed, r.LayerTable); len(chart.Roofs) != 0 || chart.Memory != 0 || len(chart.Points) != 2 ||
		chart.Points[0].Label != "conv_stem" || !strings.HasSuffix(chart.Title, "(no roofs: unreliable peaks)") {
		t.Errorf("chart %+v", chart)
	}
}
