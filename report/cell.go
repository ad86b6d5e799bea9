package report

import (
	"slices"
	"strings"

	"depthwise.dev/internal/terminal"
)

const gap = 2 // columns between cells

// cell is a part of a line with a fixed width, so that the line does not move when the text changes.
type cell struct {
	text  string
	width int
	rank  int  // cells of a lower rank get room first; 0 to 20
	left  bool // aligned to the left
}

// choose returns the cells that fit into a line, in their order, and the columns that remain.
func choose[T any](cells []T, room int, of func(T) (width, rank int)) ([]T, int) {
	order := make([]int, len(cells))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		_, x := of(cells[a])
		_, y := of(cells[b])
		return x - y
	})
	chosen, rest := make([]bool, len(cells)), room+gap
	for _, i := range order {
		if width, _ := of(cells[i]); width+gap <= rest {
			chosen[i], rest = true, rest-width-gap
		}
	}
	var list []T
	for i, c := range cells {
		if chosen[i] {
			list = append(list, c)
		}
	}
	return list, min(rest, room)
}

// String is the text in its width.
func (c cell) String() string {
	if c.left {
		return terminal.PadRight(terminal.Cut(c.text, c.width), c.width)
	}
	return terminal.PadLeft(terminal.Cut(c.text, c.width), c.width)
}

func joinCells(cells []cell) string {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = c.String()
	}
	return strings.Join(texts, strings.Repeat(" ", gap))
}
