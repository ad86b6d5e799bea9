// Command throughput draws docs/throughput.svg, the chart of the README: run `go run ./docs/throughput` in the
// repository's root after a change of its table.
package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"depthwise.dev/report/charts"
)

// output is the file that the program writes, below the working folder.
var output = filepath.Join("docs", "throughput.svg")

// chart holds measured figures only. docs/benchmarks.md has the method, the spread of the runs and the versions.
var chart = charts.GroupedBars{
	Title:    "MobileNet v1 on two CPU cores",
	Subtitle: "224 × 224, width 1, batch size 32, bfloat16; longer is faster",
	Unit:     "images per second",
	Series:   []string{"Depthwise", "PyTorch 2.15", "OpenVINO 2026.4"},
	Ratio:    true,
	Groups: []charts.BarGroup{
		// docs/benchmarks.md, "AMD EPYC, Zen 5": 204 against the fastest of PyTorch's modes on a quiet machine.
		{Name: "Training step", Detail: "AMD EPYC (Zen 5)", Values: []float64{204, 69.5, math.NaN()}},
		// docs/benchmarks.md, "Intel Xeon with AMX": medians of 257, 260, 266, 275, 275, 276 and of 47.0, 48.0, 48.5.
		{Name: "Training step", Detail: "Intel Xeon with AMX", Values: []float64{270.5, 48, math.NaN()}},
		// docs/benchmarks.md, "Inference beside OpenVINO and ONNX Runtime": quiet machine, PyTorch compiled and frozen.
		{Name: "Inference", Detail: "AMD EPYC (Zen 5)", Values: []float64{771, 559, 625}},
	},
	Note: "Peers in their fastest floating-point mode, on the same machine. (n×): ratio to the faster peer. Method and spread: docs/benchmarks.md",
}

func main() {
	if err := write(output); err != nil {
		fmt.Fprintln(os.Stderr, "throughput:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := charts.WriteGroupedBars(f, chart); err != nil {
		f.Close() // the first error is the one that counts
		return err
	}
	return f.Close()
}
