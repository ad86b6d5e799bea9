package names

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Key returns the same text for the Unicode forms of a name, such as é in one code point (NFC, Linux and
// Windows) and in two (NFD, older macOS): they are one class.
func Key(name string) string {
	if !utf8.ValidString(name) {
		return name
	}
	return norm.NFC.String(name)
}

// Index finds names of classes in a list.
type Index struct{ exact, form, lossy map[string]int }

// ambiguous marks a text that several names of a list have in common.
const ambiguous = -1

// NewIndex returns the index of a list of names.
func NewIndex(list []string) Index {
	x := Index{exact: make(map[string]int, len(list)), form: map[string]int{}, lossy: map[string]int{}}
	for i, name := range list {
		x.exact[name] = i
	}
	for i, name := range list {
		if key := Key(name); key != name {
			addOnce(x.form, key, i)
		}
		if strings.ContainsRune(name, utf8.RuneError) {
			addOnce(x.lossy, name, i)
		}
	}
	return x
}

func addOnce(m map[string]int, key string, i int) {
	if _, ok := m[key]; ok {
		i = ambiguous
	}
	m[key] = i
}

// Find returns the position of a name: of the same bytes, else of another Unicode form. A name that is
// not UTF-8 also finds the one that older versions recorded for it, with U+FFFD for each such byte,
// unless several names have become the same.
func (x Index) Find(name string) (int, bool) {
	if i, ok := x.exact[name]; ok {
		return i, true
	}
	key := Key(name)
	if i, ok := x.exact[key]; ok {
		return i, true
	}
	if i, ok := x.form[key]; ok && i != ambiguous {
		return i, true
	}
	if raw := Unescape(name); len(x.lossy) > 0 && raw != name {
		i, ok := x.lossy[string([]rune(raw))]
		return i, ok && i != ambiguous
	}
	return 0, false
}
