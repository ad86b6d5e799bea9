package terminal

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is the number of columns that a text without control characters takes on a terminal: two for East Asian wide
// characters and emoji, none for combining marks.
func Width(text string) int { return uniseg.StringWidth(text) }

// PadRight is a text followed by spaces up to a number of columns.
func PadRight(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-Width(text)))
}

// PadLeft is a text after spaces up to a number of columns.
func PadLeft(text string, columns int) string {
	return strings.Repeat(" ", max(0, columns-Width(text))) + text
}

// Cut returns the beginning of a text that takes at most that many columns. It does not divide characters that consist of
// several code points.
func Cut(text string, columns int) string {
	end, state := 0, -1
	for rest := text; rest != ""; {
		var cluster string
		var width int
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if columns -= width; columns < 0 {
			break
		}
		end += len(cluster)
	}
	return text[:end]
}
