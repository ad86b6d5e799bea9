// Package terminal knows what a terminal shows: its width, the columns that a text takes, and colors.
package terminal

import (
	"os"

	"golang.org/x/term"
)

const defaultColumns = 80 // if the width of the terminal is unknown

// Is reports whether w is a terminal that can redraw a line. One with TERM=dumb or without TERM cannot.
func Is(w any) bool {
	f, ok := w.(*os.File)
	name := os.Getenv("TERM")
	return ok && name != "" && name != "dumb" && term.IsTerminal(int(f.Fd()))
}

// Columns returns the present width of a terminal, 80 if w is none or does not say.
func Columns(w any) int {
	if f, ok := w.(interface{ Fd() uintptr }); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultColumns
}
