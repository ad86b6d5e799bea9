package names

import (
	"slices"
	"testing"
)

// TestCompare: want is what Python 3's sorted returns for the names, decoded with surrogateescape.
func TestCompare(t *testing.T) {
	want := []string{"", "A", "B", "a", "a\x00", "aa", "b", "é", "\u4e2d", "\x80", "\xff", "\uffff", "\U0001f600"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestQuote(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a"}, `"a"`},
		{[]string{"a", "b\n"}, `"a", "b\n"`},
		{[]string{"1", "2", "3", "4", "5", "6", "7"}, `"1", "2", "3", "4", "5" and 2 more`},
	} {
		if got := Quote(c.names); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
