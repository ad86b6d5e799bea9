package main

import (
	"fmt"
	"math"
	"strings"

	"depthwise.dev/tune"
)

// Size of the curve on a terminal, in characters; with its axis it fits into 80 columns.
const (
	plotColumns = 64
	plotRows    = 12
)

// plotText draws the smoothed loss over the logarithm of the learning rate, with the suggestion as a vertical line.
func plotText(c tune.Curve, s *tune.Suggestion) string {
	points := visible(c)
	if len(points) < 2 {
		return ""
	}
	low, high := points[0].Smoothed, points[0].Smoothed
	for _, p := range points {
		low, high = min(low, p.Smoothed), max(high, p.Smoothed)
	}
	from, to := math.Log(points[0].LR), math.Log(points[len(points)-1].LR)
	column := func(lr float64) int { return place((math.Log(lr)-from)/(to-from), plotColumns) }
	rows := make([][]byte, plotRows)
	for i := range rows {
		rows[i] = []byte(strings.Repeat(" ", plotColumns))
		if s != nil && column(s.LR) >= 0 && column(s.LR) < plotColumns {
			rows[i][column(s.LR)] = '|'
		}
	}
	for _, p := range points {
		rows[place((high-p.Smoothed)/max(high-low, 1e-12), plotRows)][column(p.LR)] = '*'
	}
	var b strings.Builder
	for i, row := range rows {
		label := ""
		if i == 0 || i == plotRows-1 || i == plotRows/2 {
			label = fmt.Sprintf("%.3g", high-(high-low)*float64(i)/(plotRows-1))
		}
		fmt.Fprintf(&b, "%8s %s\n", label, strings.TrimRight(string(row), " "))
	}
	left, right := fmt.Sprintf("%.2g", points[0].LR), fmt.Sprintf("%.2g", points[len(points)-1].LR)
	fmt.Fprintf(&b, "%8s %s%*s\n%8s %s\n", "loss", left, plotColumns-len(left), right, "", "learning rate, logarithmic")
	return b.String()
}

// place is the cell of a fraction from 0 to 1.
func place(fraction float64, cells int) int { return int(math.Round(fraction * float64(cells-1))) }
