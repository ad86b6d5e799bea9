package main

import (
	"strings"

	"depthwise.dev/internal/terminal"
)

// textWidth is the number of columns that a text takes on a terminal.
func textWidth(text string) int { return terminal.Width(text) }

// padded is a text followed by spaces up to a number of columns.
func padded(text string, columns int) string { return terminal.PadRight(text, columns) }

// table aligns the columns of rows.
func table(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], textWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += padded(cell, widths[i]+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
