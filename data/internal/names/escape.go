package names

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns a name as valid UTF-8, which JSON and other text can hold: a byte that is not UTF-8 is
// written as \xe9, and so is the backslash of a name that contains such an escape, as \x5c. All other
// names are unchanged. [Unescape] reverses it.
func Escape(name string) string {
	if utf8.ValidString(name) && !strings.Contains(name, `\x`) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		_, escaped := escapeAt(name[i:])
		if escaped || r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, name[i])
		} else {
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Unescape returns the name that Escape was given.
func Unescape(text string) string {
	if !strings.Contains(text, `\x`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if value, ok := escapeAt(text[i:]); ok {
			b.WriteByte(value)
			i += 4
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// escapeAt returns the byte of an escape \xHH, in lower case, at the start of text.
func escapeAt(text string) (value byte, ok bool) {
	if len(text) < 4 || text[0] != '\\' || text[1] != 'x' {
		return 0, false
	}
	for _, c := range []byte(text[2:4]) {
		d := strings.IndexByte("0123456789abcdef", c)
		if d < 0 {
			return 0, false
		}
		value = value<<4 | byte(d)
	}
	return value, true
}

// Show returns a name or path for a line of text: bytes that are not UTF-8 as \xe9, and control
// characters, which could end the line or change the terminal, as \n, \t or \u001b.
func Show(name string) string {
	if utf8.ValidString(name) && !strings.ContainsFunc(name, unprintable) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, name[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// unprintable reports control characters and those that change the direction of a line. Joiners, which
// scripts and emoji need, are not among them.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}
