package shards

import (
	"slices"
	"strings"
	"testing"
)

// What bash prints for echo PATTERN.
func TestExpandBracesAsBashDoes(t *testing.T) {
	for _, c := range []struct{ pattern, want string }{
		{"a.tar", "a.tar"},
		{"train-{000008..000011}.tar", "train-000008.tar train-000009.tar train-000010.tar train-000011.tar"},
		{"{8..11}", "8 9 10 11"},
		{"{008..11}", "008 009 010 011"},
		{"{8..011}", "008 009 010 011"},
		{"{3..3}", "3"},
		{"{0..2}", "0 1 2"},
		{"x{a,b}y{0..1}", "xay0 xay1 xby0 xby1"},
		{"{train-{0..1},val-{0..0}}.tar", "train-0.tar train-1.tar val-0.tar"},
		{"{a,}b", "ab b"},
	} {
		got, err := expandBraces(c.pattern)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v; want %q", c.pattern, got, err, c.want)
		}
	}
	if got, err := expandBraces("a{0..1}::b"); err != nil || !slices.Equal(got, []string{"a0", "a1", "b"}) {
		t.Errorf("two patterns: %q, %v", got, err)
	}
}

func TestExpandBracesRefuses(t *testing.T) {
	for _, pattern := range []string{"{", "}", "a{b", "a}b", "}{}", "{3..1}", "{a..b}", "{1..}", "{..}", "{0..99999999}",
		"{0..999}{0..999}{0..999}", "{-1..3}", "{{0..99999},{0..999999}}"} {
		if got, err := expandBraces(pattern); err == nil {
			t.Errorf("%s: accepted as %d names", pattern, len(got))
		}
	}
}

func FuzzExpandBraces(f *testing.F) {
	for _, pattern := range []string{"train-{000000..000127}.tar", "{a,b{0..3}}c::d", "{{}}", "}{", "{,,}"} {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		got, err := expandBraces(pattern)
		if err != nil {
			return
		}
		if len(got) == 0 || len(got) > maxExpanded {
			t.Fatalf("%q: %d names", pattern, len(got))
		}
		for _, name := range got {
			if strings.ContainsAny(name, "{}") {
				t.Fatalf("%q: %q is left", pattern, name)
			}
		}
	})
}
