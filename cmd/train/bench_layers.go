package main

import (
	"fmt"
	"strings"

	"depthwise.dev/bench"
)

// stepText formats the speed of a training step.
func stepText(r bench.StepSpeed) string {
	return fmt.Sprintf("%.1f img/s, %s per step of %d (%s, backend %s, %d layers fused, %s), %s\n",
		r.ImagesPerSecond, timesText(r.Timing), r.Batch, r.Precision, r.Kernels, r.Fused, threadsText(r.Threads), peakText(r.ComputeSpeed)) + speedNotes(r.ComputeSpeed)
}

// inferText formats the speed of a forward pass.
func inferText(r bench.InferSpeed) string {
	return fmt.Sprintf("%.1f img/s, %s per batch of %d (%s, backend %s, %s), %s\n",
		r.ImagesPerSecond, timesText(r.Timing), r.Batch, r.Precision, r.Kernels, threadsText(r.Threads), peakText(r.ComputeSpeed)) + speedNotes(r.ComputeSpeed)
}

// peakText formats the peak memory of the process, and that of the GPU.
func peakText(c bench.ComputeSpeed) string {
	text := fmt.Sprintf("peak memory %d MB", c.PeakRSSMB)
	if c.GPU != "" {
		text += fmt.Sprintf(", %d MB on %s %s", c.PeakGPUMB, c.Device, c.GPU)
	}
	return text
}

// timesText formats the median and the 99th percentile, as "median 17.2 ms, p99 19.8 ms".
func timesText(t bench.Timing) string {
	last := "p99"
	if t.Measured < 100 {
		last = fmt.Sprintf("slowest of %d", t.Measured)
	}
	return fmt.Sprintf("median %.*f ms, %s %.*f ms", digits(t.StepMS), t.StepMS, last, digits(t.P99MS), t.P99MS)
}

func threadsText(n int) string {
	if n == 1 {
		return "1 thread"
	}
	return fmt.Sprintf("%d threads", n)
}

// unlike is how far the speed of all steps may differ from that by their median before both are shown.
const unlike = 0.1

// speedNotes are lines about what makes the speed doubtful.
func speedNotes(c bench.ComputeSpeed) string {
	text := notesText(c.Timing, c.Threads)
	if c.StepMS < (1-unlike)*c.MeanMS {
		text = fmt.Sprintf("note: %.1f img/s on average over all steps: some take far longer than the median\n", c.MeanImagesPerSecond()) + text
	}
	return text
}

// notesText are lines about what disturbed a measurement with a number of threads.
func notesText(t bench.Timing, threads int) string {
	var b strings.Builder
	for _, note := range t.Load.Notes(threads) {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	return b.String()
}

// layersText formats the speed of a training step with a table of its layers.
func layersText(r bench.StepLayersSpeed) string {
	var b strings.Builder
	b.WriteString(stepText(r.StepSpeed))
	writePeaks(&b, r.Precision, r.LayerTable)
	if r.Doubt == "" {
		fmt.Fprintf(&b, "floors: %.1f ms, the sum over layers of the higher floor; the step takes %.2f times that\n", r.FloorMS, r.StepMS/r.FloorMS)
	}
	b.WriteString("\n")
	writeRows(&b, r.LayerTable, 2, 2)
	return b.String()
}

// inferLayersText formats the speed of a forward pass with a table of its layers.
func inferLayersText(r bench.InferLayersSpeed) string {
	var b strings.Builder
	b.WriteString(inferText(r.InferSpeed))
	writePeaks(&b, r.Precision, r.LayerTable)
	n := digits(r.StepMS)
	if r.Doubt == "" {
		fmt.Fprintf(&b, "floors: %.*f ms, the sum over blocks of the higher floor; the batch takes %.2f times that\n",
			n, r.FloorMS, r.StepMS/r.FloorMS)
	}
	b.WriteString("\n")
	writeRows(&b, r.LayerTable, 1, n)
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

// writePeaks writes the measured peaks, and why they are too low where something shows it: then they give no floors.
func writePeaks(b *strings.Builder, precision string, t bench.LayerTable) {
	p := t.Peaks
	fmt.Fprintf(b, "measured peaks: %.0f GFLOP/s in %s, %.0f in fp32; memory %.1f GB/s read, %.1f read and write\n",
		p.GFLOPS, precision, p.FloatGFLOPS, p.ReadGBS, p.AddGBS)
	if t.Doubt != "" {
		fmt.Fprintf(b, "note: the measured peaks are unreliable, so floors: none; repeat on an idle machine: %s\n", t.Doubt)
	}
}

// writeRows writes the table with one direction or both, and milliseconds with the given number of
// decimals.
func writeRows(b *strings.Builder, t bench.LayerTable, directions, digits int) {
	heads, floors := "     ms  share GFLOP/s   GB/s", t.Doubt == ""
	if floors {
		heads += "  /memory /arith"
	}
	if directions == 2 {
		fmt.Fprintf(b, "%-20s  %-*s%s\n", "", len(heads), "forward", "backward")
	}
	fmt.Fprintf(b, "%-20s%s\n", "", strings.Repeat(heads, directions))
	for _, l := range t.Layers {
		line := fmt.Sprintf("%-20s%s", l.Name, passText(l.Forward, digits, floors))
		if directions == 2 {
			line += passText(l.Backward, digits, floors)
		}
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	b.WriteString("\n")
	if floors {
		fmt.Fprintln(b, "/memory, /arith: time relative to the memory and arithmetic floors at the measured peaks")
	}
}

// passText formats the columns of one direction, with or without its floors.
func passText(p *bench.PassSpeed, digits int, floors bool) string {
	text := strings.Repeat(" ", 29)
	if p != nil {
		text = fmt.Sprintf("%7.*f %5.1f%% %7s %6s", digits, p.MS, 100*p.Share, counted("%.0f", p.GFLOPS), counted("%.1f", p.GBS))
	}
	switch {
	case !floors:
	case p == nil:
		text += strings.Repeat(" ", 16)
	default:
		text += fmt.Sprintf(" %8s %6s", counted("%.2f", over(p.MS, p.MemoryFloorMS)), counted("%.2f", over(p.MS, p.ArithmeticFloorMS)))
	}
	return text
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
