package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const defaultWide = 80 // columns, if the terminal does not say

// Columns returns the width of a terminal.
func Columns(w io.Writer) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWide
}

// BarLine returns a line of progress for a terminal of so many columns: percentage, bar and text.
func BarLine(done, total int64, text string, columns int) string {
	return barLine(done, total, []field{{text, 0}}, columns)
}

// barLine is percentage, bar and the fields that fit. The last column stays free, so that no
// terminal wraps.
func barLine(done, total int64, fields []field, columns int) string {
	total = max(1, total)
	line := renderBar(max(0, min(done, total)), total, progressWidth(columns))
	line += "  " + fit(fields, columns-utf8.RuneCountInString(line)-3)
	runes := []rune(line)
	return string(runes[:min(len(runes), max(0, columns-1))])
}

// progressWidth is the width of the bar on a terminal. It depends on nothing else, so that the bar
// does not jump when its text changes, and leaves room for loss and time left.
func progressWidth(columns int) int {
	switch {
	case columns >= 100:
		return 30
	case columns >= 60:
		return 10
	}
	return 0
}

// renderBar returns percentage and bar, "  50% |█████     |"; of a bar without width the percentage
// alone.
func renderBar(done, total int64, width int) string {
	theme := progressbar.Theme{Saucer: "█", SaucerPadding: " ", BarStart: "|", BarEnd: "|"}
	if width == 0 {
		theme = progressbar.Theme{}
	}
	b := progressbar.NewOptions64(total, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetTheme(theme),
		progressbar.OptionSetWidth(width), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	if err := errors.Join(b.Set64(done), b.RenderBlank()); err != nil { // done is at most total, and nothing is written
		return fmt.Sprintf("%4d%%", 100*done/total)
	}
	return strings.TrimRight(strings.TrimPrefix(b.String(), "\r"), " ")
}
