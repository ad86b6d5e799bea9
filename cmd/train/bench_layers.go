package main

import (
	"fmt"
	"strings"

	"depthwise.dev/bench"
)

// stepText formats the speed of a training step.
func stepText(r bench.StepSpeed) string {
	return fmt.Sprintf("%.1f img/s, %.0f ms per step of %d (%s, backend %s, %d layers fused, %d threads), peak memory %d MB\n",
		r.ImagesPerSecond, r.StepMS, r.Batch, r.Precision, r.Kernels, r.Fused, r.Threads, r.PeakRSSMB)
}

// inferText formats the speed of a forward pass.
func inferText(r bench.InferSpeed) string {
	return fmt.Sprintf("%.1f img/s, %.*f ms per batch of %d (%s, backend %s, %d threads), peak memory %d MB\n",
		r.ImagesPerSecond, digits(r.StepMS), r.StepMS, r.Batch, r.Precision, r.Kernels, r.Threads, r.PeakRSSMB)
}

// layersText formats the speed of a training step with a table of its layers.
func layersText(r bench.StepLayersSpeed) string {
	var b strings.Builder
	b.WriteString(stepText(r.StepSpeed))
	writePeaks(&b, r.Precision, r.Peaks)
	fmt.Fprintf(&b, "floors: %.1f ms, the sum over layers of the higher floor; the step takes %.2f times that\n\n", r.FloorMS, r.StepMS/r.FloorMS)
	fmt.Fprintf(&b, "%-20s  %-42s  %s\n", "", "forward", "backward")
	writeRows(&b, r.Layers, 2, 2)
	return b.String()
}

// inferLayersText formats the speed of a forward pass with a table of its layers.
func inferLayersText(r bench.InferLayersSpeed) string {
	var b strings.Builder
	b.WriteString(inferText(r.InferSpeed))
	writePeaks(&b, r.Precision, r.Peaks)
	n := digits(r.StepMS)
	fmt.Fprintf(&b, "floors: %.*f ms, the sum over blocks of the higher floor; the batch takes %.2f times that\n\n",
		n, r.FloorMS, r.StepMS/r.FloorMS)
	writeRows(&b, r.Layers, 1, n)
	b.WriteString("ms: sum over threads divided by their number\n")
	return b.String()
}

// digits is the number of decimals of milliseconds: more for short times.
func digits(ms float64) int {
	if ms < 10 {
		return 3
	}
	return 2
}

func writePeaks(b *strings.Builder, precision string, p bench.Peaks) {
	fmt.Fprintf(b, "measured peaks: %.0f GFLOP/s in %s, %.0f in fp32; memory %.1f GB/s read, %.1f read and write\n",
		p.GFLOPS, precision, p.FloatGFLOPS, p.ReadGBS, p.AddGBS)
}

// writeRows writes the table with one direction or both, and milliseconds with the given number of
// decimals.
func writeRows(b *strings.Builder, rows []bench.LayerSpeed, directions, digits int) {
	const heads = "     ms  share GFLOP/s   GB/s  /memory /arith"
	fmt.Fprintf(b, "%-20s%s\n", "", strings.Repeat(heads, directions))
	for _, l := range rows {
		line := fmt.Sprintf("%-20s%s", l.Name, passText(l.Forward, digits))
		if directions == 2 {
			line += passText(l.Backward, digits)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	fmt.Fprint(b, "\n/memory, /arith: time relative to the memory and arithmetic floors at the measured peaks\n")
}

// passText formats the columns of one direction.
func passText(p *bench.PassSpeed, digits int) string {
	if p == nil {
		return strings.Repeat(" ", 46)
	}
	return fmt.Sprintf("%7.*f %5.1f%% %7s %6s %8s %6s", digits, p.MS, 100*p.Share, counted("%.0f", p.GFLOPS), counted("%.1f", p.GBS),
		counted("%.2f", over(p.MS, p.MemoryFloorMS)), counted("%.2f", over(p.MS, p.ArithmeticFloorMS)))
}

// over is a time relative to its floor, 0 without a floor.
func over(ms, floor float64) float64 {
	if floor == 0 {
		return 0
	}
	return ms / floor
}

// counted is empty for a value of 0, which was not counted.
func counted(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}
