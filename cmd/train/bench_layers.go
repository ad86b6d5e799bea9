package main

import (
	"fmt"
	"strings"

	"depthwise.dev/train"
)

// stepText is a measured training step in a line.
func stepText(r train.StepSpeed) string {
	return fmt.Sprintf("%.1f img/s, %.0f ms a step of %d (%s, kernels %s, %d layers fused in all, %d threads), %d MB at most\n",
		r.ImagesPerSecond, r.StepMS, r.Batch, r.Precision, r.Kernels, r.Fused, r.Threads, r.PeakRSSMB)
}

// layersText is a measured training step with a table of its layers.
func layersText(r train.LayersSpeed) string {
	var b strings.Builder
	b.WriteString(stepText(r.StepSpeed))
	p := r.Peaks
	fmt.Fprintf(&b, "measured peaks: %.0f GFLOP/s in %s products, %.0f in fp32; memory %.1f GB/s read, %.1f read and written\n",
		p.GFLOPS, r.Precision, p.FloatGFLOPS, p.ReadGBS, p.AddGBS)
	fmt.Fprintf(&b, "floors: %.1f ms, the sum of each layer's higher one; the step takes %.2f times that\n\n", r.FloorMS, r.StepMS/r.FloorMS)
	fmt.Fprintf(&b, "%-20s  %-42s  %s\n", "", "forward", "backward")
	const heads = "     ms  share GFLOP/s   GB/s  /memory /arith"
	fmt.Fprintf(&b, "%-20s%s%s\n", "", heads, heads)
	for _, l := range r.Layers {
		line := fmt.Sprintf("%-20s%s%s", l.Name, passText(l.Forward), passText(l.Backward))
		fmt.Fprintln(&b, strings.TrimRight(line, " "))
	}
	fmt.Fprint(&b, "\n/memory and /arith: the time over the least that its memory traffic and its arithmetic take at the measured peaks\n")
	return b.String()
}

// passText is one direction's columns.
func passText(p *train.PassSpeed) string {
	if p == nil {
		return strings.Repeat(" ", 46)
	}
	return fmt.Sprintf("%7.2f %5.1f%% %7s %6s %8s %6s", p.MS, 100*p.Share, counted("%.0f", p.GFLOPS), counted("%.1f", p.GBS),
		counted("%.2f", over(p.MS, p.MemoryFloorMS)), counted("%.2f", over(p.MS, p.ArithmeticFloorMS)))
}

// over is how many times the floor a time is, 0 where there is no floor.
func over(ms, floor float64) float64 {
	if floor == 0 {
		return 0
	}
	return ms / floor
}

// counted is empty for what was not counted.
func counted(format string, v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}
