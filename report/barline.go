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

const defaultColumns = 80 // if the width of the terminal is unknown

// Columns returns the width of a terminal.
func Columns(w io.Writer) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultColumns
}

// BarLine returns a progress line for a terminal with that many columns: percentage, bar and text.
func BarLine(done, total int64, text string, columns int) string {
	return barLine(done, total, []field{{text, 0}}, columns)
}

// barLine returns percentage, bar and the fields that fit. It leaves the last column free, because
// some terminals wrap after it.
func barLine(done, total int64, fields []field, columns int) string {
	total = max(1, total)
	line := renderBar(max(0, min(done, total)), total, progressWidth(columns))
	line += "  " + dropToFit(fields, columns-utf8.RuneCountInString(line)-3)
	runes := []rune(line)
	return string(runes[:min(len(runes), max(0, columns-1))])
}

// progressWidth returns the width of the bar. It depends only on the width of the terminal, so the
// bar does not move when the text changes, and it leaves room for the loss and the time left.
func progressWidth(columns int) int {
	switch {
	case columns >= 100:
		return 30
	case columns >= 60:
		return 10
	}
	return 0
}

// renderBar returns percentage and bar, "  50% |█████     |"; with width 0 only the percentage.
func renderBar(done, total int64, width int) string {
	theme := progressbar.Theme{Saucer: "█", SaucerPadding: " ", BarStart: "|", BarEnd: "|"}
	if width == 0 {
		theme = progressbar.Theme{}
	}
	b := progressbar.NewOptions64(total, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetTheme(theme),
		progressbar.OptionSetWidth(width), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	if err := errors.Join(b.Set64(done), b.RenderBlank()); err != nil { // cannot fail: done is at most total, and the output is discarded
		return fmt.Sprintf("%4d%%", 100*done/total)
	}
	return strings.TrimRight(strings.TrimPrefix(b.String(), "\r"), " ")
}
