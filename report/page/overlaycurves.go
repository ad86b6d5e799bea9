package page

import (
	"depthwise.dev/report"
	"depthwise.dev/report/charts"
	"depthwise.dev/report/history"
)

// divide returns the numbers of the runs with one class for each image, and of those with any number.
func divide(list []*history.History) (single, multi []int) {
	for i, h := range list {
		if h.Start.MultiLabel {
			multi = append(multi, i)
		} else {
			single = append(single, i)
		}
	}
	return single, multi
}

// overlay draws the same value of several runs.
type overlay struct {
	names []string
	runs  []*history.History
	axis  charts.Axis
}

// of is a chart of some of the runs, each in its color.
func (o overlay) of(title string, y charts.Axis, which []int, series func(name string, color int, h *history.History) []charts.LineSeries) charts.Lines {
	c := charts.Lines{Title: title, X: o.axis, Y: y, Empty: "no run has these values"}
	for _, i := range which {
		c.Series = append(c.Series, series(o.names[i], i, o.runs[i])...)
	}
	return c
}

// epochs is a chart of a value of all epochs, val of those with a validation.
func (o overlay) epochs(title string, y charts.Axis, which []int, value func(report.Epoch) float64) charts.Lines {
	return o.of(title, y, which, func(name string, color int, h *history.History) []charts.LineSeries {
		return ofSome(name, color, h.Epochs, func(report.Epoch) bool { return true }, value)
	})
}

func (o overlay) val(title string, y charts.Axis, which []int, value func(report.Epoch) float64) charts.Lines {
	return o.of(title, y, which, func(name string, color int, h *history.History) []charts.LineSeries {
		return validated(name, color, h.Epochs, value)
	})
}

// Overlay returns the curves of several runs in the same charts, a color for each run. Accuracies and losses of multi-label runs
// are in charts of their own: they are other measures.
func Overlay(names []string, list []*history.History) []charts.Lines {
	o := overlay{names, list, epochAxis(list...)}
	single, multi := divide(list)
	accuracy := charts.Axis{Label: "accuracy", Percent: true}
	var curves []charts.Lines
	if len(single) > 0 || len(multi) == 0 {
		loss := charts.Axis{Label: "cross entropy", Robust: true}
		curves = append(curves,
			o.val("Validation top-1", accuracy, single, func(e report.Epoch) float64 { return e.Counted().Top1 }),
			o.val("Validation loss", loss, single, func(e report.Epoch) float64 { return e.ValLoss }),
			o.epochs("Training loss", loss, single, func(e report.Epoch) float64 { return e.TrainLoss }),
			o.epochs("Training top-1", accuracy, single, func(e report.Epoch) float64 { return e.TrainTop1 }))
	}
	if len(multi) > 0 {
		suffix, loss := "", charts.Axis{Label: "binary cross entropy", Robust: true}
		if len(single) > 0 {
			suffix = ", multi-label"
		}
		curves = append(curves,
			o.val("Validation mAP", charts.Axis{Label: "mAP", Percent: true}, multi, func(e report.Epoch) float64 { return e.Counted().MAP }),
			o.val("Validation exact match", charts.Axis{Label: "fraction of images", Percent: true}, multi, func(e report.Epoch) float64 { return e.Counted().Top1 }),
			o.val("Validation loss"+suffix, loss, multi, func(e report.Epoch) float64 { return e.ValLoss }),
			o.epochs("Training loss"+suffix, loss, multi, func(e report.Epoch) float64 { return e.TrainLoss }))
	}
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	return append(curves,
		o.of("Learning rate", charts.Axis{Label: "learning rate", Zero: true}, all, func(name string, color int, h *history.History) []charts.LineSeries {
			return []charts.LineSeries{ofSteps(name, color, h.Steps.All(), func(p history.Point) float64 { return p.LR })}
		}),
		o.epochs("Throughput", charts.Axis{Label: "images per second", Zero: true}, all, func(e report.Epoch) float64 { return e.ImagesPerSecond }),
		o.epochs("Waiting for input", charts.Axis{Label: "fraction of training time", Percent: true, Zero: true, Max: 0.05}, all, func(e report.Epoch) float64 { return e.DataWaitShare }),
		o.epochs("Time per epoch", charts.Axis{Label: "seconds, with validation", Zero: true}, all, func(e report.Epoch) float64 { return e.Seconds }))
}
