package imagenet

import (
	"regexp"
	"slices"
	"testing"
)

// TestNames: known places of both lists, of networks with and without a background class.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name           string
		outputs, index int
		class, synset  string
	}{
		{"first", 1000, 0, "tench", "n01440764"},
		{"alp", 1000, 970, "alp", "n09193705"},
		{"last", 1000, 999, "toilet tissue", "n15075141"},
		{"background", 1001, 0, "background", "background"},
		{"first after the background", 1001, 1, "tench", "n01440764"},
		{"alp after the background", 1001, 971, "alp", "n09193705"},
	} {
		if got := Names(c.outputs)[c.index]; got != c.class {
			t.Errorf("%s: %q, want %q", c.name, got, c.class)
		}
		if got := Synsets(c.outputs)[c.index]; got != c.synset {
			t.Errorf("%s: %q, want %q", c.name, got, c.synset)
		}
	}
	for _, outputs := range []int{0, 10, 999, 1002, 21841} {
		if Names(outputs) != nil || Synsets(outputs) != nil {
			t.Errorf("%d outputs have names", outputs)
		}
	}
}

// TestTable: each class has an identifier and a name, both unique, and the identifiers are sorted: predictions of
// duplicate names could not be told apart.
func TestTable(t *testing.T) {
	synsets, names := Synsets(1000), Names(1000)
	if len(synsets) != 1000 || len(names) != 1000 {
		t.Fatalf("%d identifiers, %d names", len(synsets), len(names))
	}
	pattern := regexp.MustCompile(`^n[0-9]{8}$`)
	for i, synset := range synsets {
		if !pattern.MatchString(synset) || names[i] == "" {
			t.Errorf("class %d: %q %q", i, synset, names[i])
		}
	}
	if !slices.IsSorted(synsets) {
		t.Error("the identifiers are not sorted")
	}
	for _, list := range [][]string{synsets, names} {
		slices.Sort(list)
		if n := len(slices.Compact(list)); n != 1000 {
			t.Errorf("%d different entries", n)
		}
	}
	if Names(1000)[0] != "tench" {
		t.Error("a caller's change reached the table")
	}
}

// TestIsNames: other lists of ImageNet's names are recognized, other classes and another order are not.
func TestIsNames(t *testing.T) {
	synonyms, reversed, others := Names(1000), Names(1000), Names(1000)
	slices.Reverse(reversed)
	for i := range synonyms {
		synonyms[i] += ", another name"
		others[i] = Synsets(1000)[i]
	}
	synonyms[12] = "spelled otherwise"
	for _, c := range []struct {
		name    string
		classes []string
		want    bool
	}{
		{"own", Names(1000), true}, {"with background", Names(1001), true}, {"synonyms", synonyms, true}, {"reversed", reversed, false},
		{"other names", others, false}, {"part", Names(1000)[:10], false}, {"none", nil, false},
	} {
		if got := IsNames(c.classes); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
