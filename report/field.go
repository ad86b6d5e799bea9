package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// field is a part of a progress line. If the line is too long, fields are dropped from the highest
// rank on; rank 0 always stays.
type field struct {
	text string
	rank int
}

func join(fields []field) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.text
	}
	return strings.Join(texts, "  ")
}

// wrap breaks a line between words into lines of at most columns characters, indented after the
// first.
func wrap(line string, columns int) []string {
	const indent = "  "
	var list []string
	for utf8.RuneCountInString(line) > columns {
		runes := []rune(line)
		cut := strings.LastIndexByte(string(runes[:max(0, min(columns+1, len(runes)))]), ' ')
		if cut <= len(indent) { // a word too long for a line, or a terminal too narrow
			break
		}
		list = append(list, line[:cut])
		line = indent + strings.TrimLeft(line[cut:], " ")
	}
	return append(list, line)
}

// dropToFit drops fields until the line has at most room columns or only fields of rank 0 remain.
func dropToFit(fields []field, room int) string {
	fields = slices.Clone(fields)
	for {
		text := join(fields)
		last := slices.MaxFunc(fields, func(a, b field) int { return a.rank - b.rank })
		if last.rank == 0 || utf8.RuneCountInString(text) <= room {
			return text
		}
		fields = slices.DeleteFunc(fields, func(f field) bool { return f.rank == last.rank })
	}
}
