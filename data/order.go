package data

import (
	"cmp"
	"unicode/utf8"
)

// comparePython orders names as Python's sorted does: by code point, where each byte
// that is not UTF-8 counts as U+DC00 plus its value (Python's surrogateescape).
func comparePython(a, b string) int {
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
