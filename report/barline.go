package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"depthwise.dev/internal/terminal"
)

const (
	percentWidth = len("100%")
	minBar       = 10
	maxBar       = 30
	barEdges     = len(" |") + len("|") // before and after the bar
)

// Ranks of cells, in the order in which they get room.
const (
	rankLoss = iota
	rankLeft
	rankPercent
	rankEpoch
	rankBar
	rankSpeed
	rankBatch
	rankTop1
)

// Columns returns the width of a terminal.
func Columns(w io.Writer) int { return terminal.Columns(w) }

// Amount is work with a known end, of which part is done.
type Amount struct{ Done, Total int64 }

// percent is the whole percentage, rounded down.
func (a Amount) percent() string {
	done, total := a.bounded()
	return fmt.Sprintf("%d%%", 100*done/total)
}

func (a Amount) bounded() (done, total int64) {
	total = max(1, a.Total)
	return max(0, min(a.Done, total)), total
}

// renderBar returns percentage and bar, " 50% |█████     |".
func renderBar(a Amount, width int) string {
	done, total := a.bounded()
	b := progressbar.NewOptions64(total, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetWidth(width),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: " ", BarStart: "|", BarEnd: "|"}),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false))
	if err := errors.Join(b.Set64(done), b.RenderBlank()); err != nil { // cannot fail: done is at most total, and the output is discarded
		return terminal.PadRight(terminal.PadLeft(a.percent(), percentWidth), percentWidth+barEdges+width)
	}
	text := strings.TrimRight(strings.TrimLeft(b.String(), "\r "), " ")
	return terminal.PadLeft(text, percentWidth+barEdges+width)
}

// percentAndBar returns the cell at the beginning of a progress line: the percentage and, if there is room for it, a bar, which
// takes what the other cells leave.
func percentAndBar(a Amount, cells []cell, room int) []cell {
	cells = append([]cell{{text: a.percent(), width: percentWidth, rank: rankPercent}, {width: barEdges + minBar - gap, rank: rankBar}}, cells...)
	cells, rest := choose(cells, room, func(c cell) (int, int) { return c.width, c.rank })
	if len(cells) < 2 || cells[1].rank != rankBar {
		return cells
	}
	width := min(maxBar, minBar+rest)
	cells[1] = cell{text: renderBar(a, width), width: percentWidth + barEdges + width, rank: rankBar}
	return cells[1:]
}

// leftCell is the time left; "--:--" if it is not known.
func leftCell(left time.Duration, known bool) cell {
	const width = len("99h59m")
	text := "--:--"
	if known {
		text = shortClock(left)
	}
	return cell{text: terminal.PadLeft(text, width) + " left", width: width + len(" left"), rank: rankLeft}
}

// BarLine returns a progress line for a terminal with that many columns: percentage, bar, what is done, and the time left, which
// is not known if it is negative. The width of the line depends only on what and on columns. It leaves the last column free,
// because some terminals wrap after it.
func BarLine(a Amount, what string, left time.Duration, columns int) string {
	room := columns - 1
	end := leftCell(left, left >= 0)
	label := min(terminal.Width(what), max(0, room-percentWidth-end.width-2*gap))
	cells := []cell{{text: what, width: label, rank: rankEpoch, left: true}, end}
	if label == 0 {
		cells = cells[1:]
	}
	return terminal.Cut(joinCells(percentAndBar(a, cells, room)), room)
}
