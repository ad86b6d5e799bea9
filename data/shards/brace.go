package shards

import (
	"fmt"
	"strconv"
	"strings"
)

// maxExpanded bounds the number of names that a pattern expands to.
const maxExpanded = 1_000_000

// expandBraces expands braces as bash does and as WebDataset writes lists of shards:
// "train-{000000..000127}.tar", "{train,val}-{0..3}.tar", also nested. Numbers keep the width of the
// wider end. "::" separates patterns.
func expandBraces(pattern string) ([]string, error) {
	var all []string
	for one := range strings.SplitSeq(pattern, "::") {
		expanded, err := expandOne(one)
		if err != nil {
			return nil, fmt.Errorf("data: %q: %w", pattern, err)
		}
		if all = append(all, expanded...); len(all) > maxExpanded {
			return nil, errTooMany(pattern)
		}
	}
	return all, nil
}

func errTooMany(pattern string) error {
	return fmt.Errorf("data: %q expands to more than %d names", pattern, maxExpanded)
}

// expandOne expands the first brace and what follows it.
func expandOne(text string) ([]string, error) {
	open := strings.IndexByte(text, '{')
	before := text
	if open >= 0 {
		before = text[:open]
	}
	if strings.ContainsRune(before, '}') {
		return nil, fmt.Errorf("unmatched }")
	}
	if open < 0 {
		return []string{text}, nil
	}
	inside, rest, err := braced(text[open:])
	if err != nil {
		return nil, err
	}
	choices, err := expandInside(inside)
	if err != nil {
		return nil, err
	}
	tails, err := expandOne(rest)
	if err != nil {
		return nil, err
	}
	if len(choices)*len(tails) > maxExpanded {
		return nil, fmt.Errorf("it expands to more than %d names", maxExpanded)
	}
	all := make([]string, 0, len(choices)*len(tails))
	for _, choice := range choices {
		for _, tail := range tails {
			all = append(all, before+choice+tail)
		}
	}
	return all, nil
}

// braced splits text, which begins with a brace, into the content of the brace and the rest.
func braced(text string) (inside, rest string, err error) {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[1:i], text[i+1:], nil
			}
		}
	}
	return "", "", fmt.Errorf("unmatched {")
}

// expandInside expands "a..b" or "x,y,z".
func expandInside(inside string) ([]string, error) {
	if from, to, ok := strings.Cut(inside, ".."); ok && !strings.ContainsAny(inside, "{},") {
		return expandRange(from, to)
	}
	var all []string
	depth, start := 0, 0
	for i := 0; i <= len(inside); i++ {
		switch {
		case i == len(inside) || inside[i] == ',' && depth == 0:
			expanded, err := expandOne(inside[start:i])
			if err != nil {
				return nil, err
			}
			if all = append(all, expanded...); len(all) > maxExpanded {
				return nil, fmt.Errorf("it expands to more than %d names", maxExpanded)
			}
			start = i + 1
		case inside[i] == '{':
			depth++
		case inside[i] == '}':
			depth--
		}
	}
	return all, nil
}

func expandRange(from, to string) ([]string, error) {
	first, err1 := strconv.ParseUint(from, 10, 31)
	last, err2 := strconv.ParseUint(to, 10, 31)
	if err1 != nil || err2 != nil || last < first || last-first >= maxExpanded {
		return nil, fmt.Errorf("{%s..%s} is not a range such as {000000..000127}", from, to)
	}
	width := 0
	if from[0] == '0' || to[0] == '0' {
		width = max(len(from), len(to))
	}
	all := make([]string, 0, last-first+1)
	for n := first; n <= last; n++ {
		all = append(all, fmt.Sprintf("%0*d", width, n))
	}
	return all, nil
}
