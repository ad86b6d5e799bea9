package report

import (
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/internal/terminal"
)

// wide is the number of columns from which on names are written in full.
const wide = 60

// runLine returns the progress line of a run: percentage of its steps, bar, epoch, batch, loss, accuracy, speed, time left. What
// does not fit is left out, the loss and the time left last; they fit into 25 columns. The width of the line depends only on
// columns and on the length of the run. v is the progress of the validation, nil while training.
func runLine(t *tracker, v *Validation, columns int) string {
	batch := cell{text: fmt.Sprintf("batch %d/%d", t.last.Batch, t.last.Batches), width: max(len("batch /")+2*digits(int64(t.last.Batches)), len("val 100%")), rank: rankBatch, left: true}
	cells := []cell{
		epochCell(t, columns), batch,
		{text: "loss " + terminal.PadLeft(figure(t.shownLoss()), figureWidth), width: len("loss ") + figureWidth, rank: rankLoss},
		{text: top1Name(t.multiLabel) + terminal.PadLeft(share(t.top1.value()), shareWidth), width: len(top1Name(t.multiLabel)) + shareWidth, rank: rankTop1},
		{text: speed(t.speed.value()), width: len("12345 img/s"), rank: rankSpeed},
		leftCell(t.left, t.known),
	}
	done := Amount{t.last.Step, t.run.Steps}
	if t.run.Steps == 0 {
		done.Done = 0 // the length of the run is not known yet
	}
	room := columns - 1
	cells = percentAndBar(done, cells, room)
	if v != nil {
		showValidation(cells, *v)
	}
	return terminal.Cut(joinCells(cells), room)
}

// epochCell has the same width in all epochs.
func epochCell(t *tracker, columns int) cell {
	text, width := strconv.Itoa(t.last.Epoch), 2*max(t.digits, digits(int64(t.last.Epoch)))+len("/")
	if t.run.Epochs > 0 {
		text += "/" + strconv.Itoa(t.run.Epochs)
	}
	if columns >= wide {
		text, width = "epoch "+text, width+len("epoch ")
	}
	return cell{text: text, width: max(width, len("val100%")), rank: rankEpoch, left: true}
}

// showValidation replaces the batch, or where it has no room the epoch, by the progress of the validation.
func showValidation(cells []cell, v Validation) {
	a := Amount{int64(v.Batch), int64(v.Batches)}
	for _, rank := range []int{rankBatch, rankEpoch} {
		for i := range cells {
			if cells[i].rank == rank {
				cells[i].text = "val" + terminal.PadLeft(a.percent(), min(cells[i].width, len("val 100%"))-len("val"))
				return
			}
		}
	}
}

const (
	figureWidth = len("0.0123")
	shareWidth  = len("100.0%")
)

// figure is a loss in at most six characters: 2.104, 0.0123, 153.2, 12346, 1e+07.
func figure(f float64) string {
	text := number(f)
	if finite(f) && len(text) > figureWidth {
		text = fmt.Sprintf("%.0f", f)
	}
	if finite(f) && len(text) > figureWidth {
		text = fmt.Sprintf("%.0e", f)
	}
	return text
}

// share is a fraction as a percentage in at most six characters: 38.2%.
func share(fraction float64) string {
	if !finite(fraction) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*math.Max(0, math.Min(1, fraction)))
}

func digits(n int64) int { return len(strconv.FormatInt(max(0, n), 10)) }
