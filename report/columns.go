package report

import (
	"strconv"
	"strings"
)

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

// Columns of metrics.csv of runs that average the weights of their last epochs (--swa-epochs): the validation of the average, in the
// row of the last epoch.
const (
	ColumnSWAEpochs = "swa_epochs"
	ColumnSWALoss   = "swa_val_loss"
	ColumnSWATop1   = "swa_val_top1"
	ColumnSWATop5   = "swa_val_top5"
	ColumnSWAMAP    = "swa_val_map"
	swaPrefix       = "swa_"
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
		case strings.HasPrefix(column, swaPrefix) && e.absent(column):
		case column == ColumnSWAEpochs:
			cells[i] = strconv.Itoa(e.SWAEpochs)
		case column == ColumnSWALoss:
			cells[i] = csvFloat(e.SWAValLoss)
		case column == ColumnSWATop1:
			cells[i] = csvFloat(e.SWAValTop1)
		case column == ColumnSWATop5:
			cells[i] = csvFloat(e.SWAValTop5)
		case column == ColumnSWAMAP:
			cells[i] = csvFloat(e.SWAValMAP)
		case e.ValImages == 0 || column == ColumnEMAMAP && !e.Averaged:
		case column == ColumnMAP:
			cells[i] = csvFloat(e.ValMAP)
		case column == ColumnEMAMAP:
			cells[i] = csvFloat(e.EMAValMAP)
		}
	}
	return cells
}
