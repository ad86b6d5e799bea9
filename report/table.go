package report

import (
	"fmt"
	"strconv"
	"strings"

	"depthwise.dev/internal/terminal"
)

// headerEvery is the number of rows after which the header is repeated: about a screen.
const headerEvery = 20

// table writes the epochs of a run as rows with aligned columns.
type table struct {
	palette terminal.Palette
	header  string // the last one; "": none
	rows    int    // below it
}

// column is a column of the table, with the value of one epoch.
type column struct {
	name, value string
	width, rank int // columns of a lower rank get room first
	best        bool
}

// add returns the lines of an epoch for a terminal with that many columns: its row, and above it the header where it is the
// first row, where other columns fit or exist than before, and once a screen.
func (t *table) add(e Epoch, run Start, columns int) []string {
	list, rest := choose(epochColumns(e, run, columns < wide), columns-1, func(c column) (int, int) { return c.width, c.rank })
	var names, values []string
	for _, c := range list {
		names = append(names, terminal.PadLeft(c.name, c.width))
		value := terminal.PadLeft(c.value, c.width)
		if c.best && e.Best {
			value = t.palette.Green(value)
		}
		values = append(values, value)
	}
	separator := strings.Repeat(" ", gap)
	header, row := strings.TrimRight(strings.Join(names, separator), " "), strings.Join(values, separator)
	for _, remark := range remarks(e) {
		if width := gap + len(remark); width <= rest {
			row, rest = row+separator+remark, rest-width
		}
	}
	t.rows++
	lines := []string{strings.TrimRight(row, " ")}
	if header != t.header || t.rows > headerEvery {
		t.header, t.rows = header, 1
		lines = append([]string{t.palette.Bold(header)}, lines...)
	}
	if swa := swaFields(e); swa != nil {
		lines = append(lines, terminal.Cut("  "+strings.Join(swa, "  "), columns-1))
	}
	return lines
}

// epochColumns returns the columns of a run like that of e. Short names save room on narrow terminals.
func epochColumns(e Epoch, run Start, short bool) []column {
	multi := run.MultiLabel || e.ValMAP > 0
	top1 := strings.TrimSpace(top1Name(multi))
	list := []column{
		{name: "epoch", value: strconv.Itoa(e.Epoch), width: max(len("epoch"), digits(int64(e.Epochs)))},
		{name: "step", value: strconv.FormatInt(e.Step, 10), width: max(len("step"), digits(max(e.Step, run.Steps))), rank: 10},
		{name: "loss", value: figure(e.TrainLoss), width: figureWidth, rank: 4},
		{name: top1, value: share(e.TrainTop1), width: shareWidth, rank: 8},
	}
	if e.ValImages > 0 {
		list = append(list, validationColumns(e, run, short)...)
	}
	list = append(list, column{name: "img/s", value: strings.TrimSuffix(speed(e.ImagesPerSecond), " img/s"), width: 6, rank: 7},
		column{name: "time", value: shortClock(seconds(e.Seconds)), width: len("99h59m"), rank: 5})
	if e.ValImages > 0 {
		best := column{width: len("best"), rank: 2, best: true}
		if e.Best {
			best.value = "best"
		}
		list = append(list, best)
	}
	return list
}

// validationColumns returns the columns of the validation, of the weights and of their average.
func validationColumns(e Epoch, run Start, short bool) []column {
	multi := run.MultiLabel || e.ValMAP > 0
	type result struct {
		name                  string
		loss, top1, top5, mAP float64
		ranks                 [3]int // of the figure that the best epoch is chosen by, of the loss, of the third figure
	}
	results := []result{{"val", e.ValLoss, e.ValTop1, e.ValTop5, e.ValMAP, [3]int{6, 1, 9}}}
	if e.Averaged {
		results = append(results, result{"ema", e.EMAValLoss, e.EMAValTop1, e.EMAValTop5, e.EMAValMAP, [3]int{11, 3, 12}})
	}
	var list []column
	for _, r := range results {
		chosen, third := column{name: " top-1", value: share(r.top1)}, column{name: " top-5", value: share(r.top5)}
		if multi {
			chosen, third = column{name: " mAP", value: share(r.mAP)}, column{name: " exact", value: share(r.top1)}
		}
		if short {
			chosen.name = ""
		}
		loss := column{name: " loss", value: figure(r.loss)}
		shown := []column{loss, chosen, third}
		if !multi && TrivialTop5(run.Classes) {
			shown = shown[:2]
		}
		for i, c := range shown {
			c.name, c.rank, c.best = r.name+c.name, r.ranks[i], i == 1
			c.width = max(len(c.name), shareWidth)
			list = append(list, c)
		}
	}
	return list
}

// remarks are what only some epochs have.
func remarks(e Epoch) []string {
	var list []string
	if e.Skipped > 0 {
		list = append(list, fmt.Sprintf("%d skipped", e.Skipped))
	}
	if e.DataWaitShare >= waitShown {
		list = append(list, "waited for data "+share(e.DataWaitShare))
	}
	return list
}
