// Package names knows names of files, folders and classes: their order, which is Python's, their forms in
// text, and what they mean.
package names

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Compare orders as Python's sorted does, by code point. A byte that is not UTF-8 counts as U+DC00 plus its value (Python's
// surrogateescape).
func Compare(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) || n > 0 && n < len(b) && !utf8.RuneStart(b[n]) {
		n-- // back to the start of the character that differs
	}
	a, b = a[n:], b[n:]
	for a != "" && b != "" {
		x, xn := codePoint(a)
		y, yn := codePoint(b)
		if x != y {
			return cmp.Compare(x, y)
		}
		a, b = a[xn:], b[yn:]
	}
	return cmp.Compare(len(a), len(b))
}

func codePoint(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return 0xdc00 + rune(s[0]), 1
	}
	return r, n
}

// Quote quotes the first names and counts the others, for error messages.
func Quote(names []string) string {
	const most = 5
	quoted := make([]string, 0, most)
	for _, n := range names[:min(most, len(names))] {
		quoted = append(quoted, `"`+Show(n)+`"`)
	}
	text := strings.Join(quoted, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
