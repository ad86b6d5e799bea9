package hdf5

import (
	"errors"
	"strings"
	"testing"
)

// TestPlace: chunks are at multiples of their size, inside the array, each once; the edge is cut off.
func TestPlace(t *testing.T) {
	for _, c := range []struct {
		name      string
		positions [][]int
		want      string // part of the error of the last position
		content   string
	}{
		{"all", [][]int{{0, 0}, {0, 2}, {2, 0}, {2, 2}}, "", "ab" + "a" + "cd" + "c" + "ab" + "a"},
		{"twice", [][]int{{0, 0}, {0, 0}}, "two chunks at [0 0]", ""},
		{"overlapping", [][]int{{0, 0}, {0, 1}}, "a chunk at [0 1]", ""},
		{"outside", [][]int{{4, 0}}, "a chunk at [4 0]", ""},
		{"far outside", [][]int{{1 << 40, 0}}, "a chunk at", ""},
	} {
		g := grid{shape: []int{3, 3}, chunk: []int{2, 2}, element: 1, to: make([]byte, 9), seen: map[string]bool{}}
		var err error
		for _, p := range c.positions {
			err = g.place(p, []byte("abcd"))
		}
		if c.want != "" && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want)) || c.want == "" && (err != nil || string(g.to) != c.content) {
			t.Errorf("%s: %q, %v; want %q, %q", c.name, g.to, err, c.content, c.want)
		}
	}
}
