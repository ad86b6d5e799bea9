package report

// Columns of metrics.csv of runs in which an image may have any number of classes: mean average precisions.
const (
	ColumnMAP    = "val_map"
	ColumnEMAMAP = "ema_val_map"
)

// top1Name names what counts as correct: of multi-label data, images whose classes are all predicted, and no other.
func top1Name(multiLabel bool) string {
	if multiLabel {
		return "exact "
	}
	return "top-1 "
}

// mapFields are the fields of the validation of multi-label data.
func mapFields(e Epoch) []string {
	fields := []string{"val loss " + number(e.ValLoss), "val mAP " + percent(e.ValMAP), "val exact " + percent(e.ValTop1)}
	if e.Averaged {
		fields = append(fields, "ema loss "+number(e.EMAValLoss), "ema mAP "+percent(e.EMAValMAP),
			"ema exact "+percent(e.EMAValTop1))
	}
	return fields
}

// measures are the cells of an epoch in the columns that only some runs have.
func (e Epoch) measures(columns []string) []string {
	cells := make([]string, len(columns))
	for i, column := range columns {
		switch {
		case e.ValImages == 0 || column == ColumnEMAMAP && !e.Averaged:
		case column == ColumnMAP:
			cells[i] = csvFloat(e.ValMAP)
		case column == ColumnEMAMAP:
			cells[i] = csvFloat(e.EMAValMAP)
		}
	}
	return cells
}
