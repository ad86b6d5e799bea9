package report

import "strconv"

// Columns of metrics.csv of runs in which an image may have any number of classes: mean average precisions.
const (
	ColumnMAP    = "val_map"
	ColumnEMAMAP = "ema_val_map"
)

// Columns of metrics.csv of runs in float16.
const (
	ColumnLossScale      = "loss_scale"
	ColumnSkippedUpdates = "skipped_updates"
)

// measures are the cells of an epoch in the columns that only some runs have.
func (e Epoch) measures(columns []string) []string {
	cells := make([]string, len(columns))
	for i, column := range columns {
		switch {
		case column == ColumnLossScale:
			cells[i] = csvFloat(e.LossScale)
		case column == ColumnSkippedUpdates:
			cells[i] = strconv.Itoa(e.SkippedUpdates)
		case e.ValImages == 0 || column == ColumnEMAMAP && !e.Averaged:
		case column == ColumnMAP:
			cells[i] = csvFloat(e.ValMAP)
		case column == ColumnEMAMAP:
			cells[i] = csvFloat(e.EMAValMAP)
		}
	}
	return cells
}
