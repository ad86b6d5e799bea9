package report

import (
	"strings"

	"depthwise.dev/internal/terminal"
)

func join(fields []string) string { return strings.Join(fields, "  ") }

// wrap breaks a line between words into lines of at most columns columns, indented after the first. A word that is longer is
// not broken: it may be a path to copy.
func wrap(line string, columns int) []string {
	const indent = "  "
	var list []string
	for terminal.Width(line) > columns && columns > len(indent) {
		fits := terminal.Cut(line, columns)
		cut := strings.LastIndexByte(line[:min(len(fits)+1, len(line))], ' ')
		if cut <= len(indent) { // the first word is too long for a line
			next := strings.IndexByte(line[len(fits):], ' ')
			if next < 0 {
				break
			}
			cut = len(fits) + next
		}
		list = append(list, line[:cut])
		line = indent + strings.TrimLeft(line[cut:], " ")
	}
	return append(list, line)
}

// colored colors the first word of warnings.
func colored(list []string, e Event, p terminal.Palette) []string {
	if note, ok := e.(Note); len(list) == 0 || ok && note.Level != Warning {
		return list
	}
	switch e.(type) {
	case Note, Skip:
		if rest, ok := strings.CutPrefix(list[0], "warning:"); ok {
			list[0] = p.Yellow("warning:") + rest
		}
	}
	return list
}
