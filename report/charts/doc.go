// Package charts draws the charts of the project: lines, bars, matrices, reliability diagrams and rooflines. Each is written
// as SVG, for light and dark backgrounds, or as PNG:
//
//	err := charts.WritePNG(w, charts.Lines{Title: "Loss", X: charts.Axis{Label: "epoch"}, Series: series})
//
// A chart becomes a list of shapes with positions in pixels; one file writes them as SVG, another rasterizes them. So both
// show the same, and a new kind of chart is one file with a type that implements Chart. The package needs golang.org/x/image
// alone.
package charts
