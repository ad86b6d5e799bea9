// Package suggest finds the known word closest to a misspelled one.
package suggest

import "strings"

// Closest returns the choice closest to word, or "" if none is similar. Similar means an edit
// distance of at most 2 and at most a third of the word's length, or else that word is a prefix of
// at least three letters. Case, '-' and '_' are ignored. The first of equally close choices wins.
func Closest(word string, choices []string) string {
	limit := min(2, max(1, len(word)/3))
	best, bestDistance := "", limit+1
	for _, choice := range choices {
		if d := distance(normalize(word), normalize(choice)); d < bestDistance {
			best, bestDistance = choice, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, choice := range choices {
		if strings.HasPrefix(normalize(choice), normalize(word)) {
			return choice
		}
	}
	return ""
}

// OneOf lists the allowed values, preceded by the one that value probably means, found by its name
// in other tools or by its spelling: "did you mean sgd? allowed: sgd, rmsprop".
func OneOf(value string, allowed []string) string {
	list := "allowed: " + strings.Join(allowed, ", ")
	if m := synonym(value, allowed); m != "" && m != value {
		return "did you mean " + m + "? " + list
	}
	if c := Closest(value, allowed); c != "" && c != value {
		return "did you mean " + c + "? " + list
	}
	return list
}

func normalize(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// distance returns the optimal string alignment distance: the minimum number of insertions,
// deletions, substitutions and transpositions of adjacent letters that turns a into b.
func distance(a, b string) int {
	secondLast, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], secondLast[j-2]+1)
			}
		}
		secondLast, last = last, row
	}
	return last[len(b)]
}
