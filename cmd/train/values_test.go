package main

import (
	"testing"

	"github.com/spf13/pflag"
)

// TestValues: what a flag reads, and that it reads what it writes.
func TestValues(t *testing.T) {
	var (
		word    = "sgd"
		list    = []string{}
		limits  span
		colors  jitter
		workers = -1
		warmup  = -1.0
	)
	for _, c := range []struct {
		name  string
		value pflag.Value
		text  string
		want  string // "" where the text is refused
	}{
		{"word", choice{&word, []string{"sgd", "adamw"}}, "adamw", "adamw"},
		{"mistyped word", choice{&word, []string{"sgd", "adamw"}}, "sdg", ""},
		{"list", words{&list, []string{"norm", "bias"}}, "bias, norm", "bias,norm"},
		{"mistyped list", words{&list, []string{"norm", "bias"}}, "bias,norms", ""},
		{"span", &limits, "0.35,1", "0.35,1"},
		{"span with a space", &limits, "0.75, 1.333", "0.75,1.333"},
		{"span of one", &limits, "0.35", ""},
		{"span of three", &limits, "0.1,0.2,0.3", ""},
		{"span of words", &limits, "a,b", ""},
		{"jitter", &colors, "0.4,0.3,0.2,0.1", "0.4,0.3,0.2,0.1"},
		{"jitter without hue", &colors, "0.4, 0.3, 0.2", "0.4,0.3,0.2,0"},
		{"jitter by one number", &colors, "0.4", "0.4,0.4,0.4,0"},
		{"jitter by two", &colors, "0.4,0.3", ""},
		{"jitter by five", &colors, "1,1,1,0.1,1", ""},
		{"jitter by words", &colors, "much", ""},
		{"workers", auto[int]{&workers}, "0", "0"},
		{"automatic workers", auto[int]{&workers}, "auto", "auto"},
		{"workers below zero", auto[int]{&workers}, "-1", ""},
		{"half a worker", auto[int]{&workers}, "0.5", ""},
		{"too many workers for a number", auto[int]{&workers}, "1e300", ""},
		{"warmup", auto[float64]{&warmup}, "2.5", "2.5"},
		{"no number", auto[float64]{&warmup}, "NaN", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.value.String()
			err := c.value.Set(c.text)
			if c.want == "" {
				if err == nil {
					t.Fatalf("%q was read as %q", c.text, c.value)
				}
				if c.value.String() != before {
					t.Errorf("the value changed to %q though %q is wrong", c.value, c.text)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.value.String() != c.want {
				t.Errorf("%q was read as %q, want %q", c.text, c.value, c.want)
			}
			if err := c.value.Set(c.value.String()); err != nil || c.value.String() != c.want {
				t.Errorf("does not read what it wrote, %q: %v, %q", c.want, err, c.value)
			}
		})
	}
	if got := (words{&list, nil}).Set(""); got != nil || len(list) != 0 {
		t.Errorf("an empty list was read as %q, %v", list, got)
	}
}
