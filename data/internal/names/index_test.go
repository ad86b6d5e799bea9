package names

import "testing"

const (
	nfc = "caf\u00e9"
	nfd = "cafe\u0301"
)

func TestIndexFinds(t *testing.T) {
	for _, c := range []struct {
		label string
		list  []string
		name  string
		want  int // -1: not found
	}{
		{"the same bytes", []string{"cat", "dog"}, "dog", 1},
		{"another case", []string{"cat"}, "Cat", -1},
		{"NFD in a list of NFC", []string{"cat", nfc}, nfd, 1},
		{"NFC in a list of NFD", []string{"cat", nfd}, nfc, 1},
		{"NFC before another form", []string{nfd, nfc}, nfc, 1},
		{"NFD before another form", []string{nfd, nfc}, nfd, 0},
		{"Hangul", []string{"\u1112\u1161\u11ab"}, "\ud55c", 0},
		{"not UTF-8", []string{Escape("caf\xe8"), Escape("caf\xe9")}, Escape("caf\xe9"), 1},
		{"not UTF-8, of an older version", []string{"caf\ufffd", "dog"}, Escape("caf\xe9"), 0},
		{"not UTF-8, two names that became one", []string{"caf\ufffd", "caf\ufffd"}, Escape("caf\xe9"), -1},
		{"U+FFFD itself", []string{"caf\ufffd"}, "caf\ufffd", 0},
	} {
		got, ok := NewIndex(c.list).Find(c.name)
		if ok != (c.want >= 0) || ok && got != c.want {
			t.Errorf("%s: %d %v, want %d", c.label, got, ok, c.want)
		}
	}
}
