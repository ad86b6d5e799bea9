package main

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// textWidth is the number of columns that a text takes on a terminal: two for East Asian wide characters, none for combining
// marks.
func textWidth(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// padded is a text followed by spaces up to a number of columns.
func padded(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-textWidth(text)))
}
