// Package suggest finds the known word that a mistyped word was meant to be.
package suggest

import "strings"

// Closest returns the choice that word most likely meant, or "" when none is
// near: at most two slips of the keyboard, and never more than a third of the
// word's letters, or else a beginning of three letters or more. Case, '-' and '_'
// are no slips. On a tie the first choice wins.
func Closest(word string, choices []string) string {
	limit := min(2, max(1, len(word)/3))
	best, bestDistance := "", limit+1
	for _, choice := range choices {
		if d := distance(plain(word), plain(choice)); d < bestDistance {
			best, bestDistance = choice, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, choice := range choices {
		if strings.HasPrefix(plain(choice), plain(word)) {
			return choice
		}
	}
	return ""
}

// OneOf lists the allowed values after the one that value probably means, by its name in other
// tools or by its spelling: "did you mean sgd? allowed: sgd, rmsprop".
func OneOf(value string, allowed []string) string {
	list := "allowed: " + strings.Join(allowed, ", ")
	if m := meant(value, allowed); m != "" && m != value {
		return "did you mean " + m + "? " + list
	}
	if c := Closest(value, allowed); c != "" && c != value {
		return "did you mean " + c + "? " + list
	}
	return list
}

func plain(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// distance is the optimal string alignment distance: the least number of
// letters to add, drop, change or swap with their neighbor that turns a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
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
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
