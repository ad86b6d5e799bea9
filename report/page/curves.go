package page

import (
	"fmt"
	"slices"

	"depthwise.dev/report"
	"depthwise.dev/report/charts"
	"depthwise.dev/report/history"
)

// epochAxis is the horizontal axis of all curves: completed epochs, from 0 to the last one of any.
func epochAxis(list ...*history.History) charts.Axis {
	a := charts.Axis{Label: "epoch", Whole: true, Max: 1}
	for _, h := range list {
		if n := len(h.Epochs); n > 0 {
			a.Max = max(a.Max, float64(h.Epochs[n-1].Epoch))
		}
		if points := h.Steps.All(); len(points) > 0 {
			a.Max = max(a.Max, points[len(points)-1].Epoch)
		}
	}
	return a
}

// Curves returns the curves of a run over its epochs: loss, accuracy, learning rate, throughput, input waiting and, where there
// are, the norm of the gradients and the scale of the loss.
func Curves(h *history.History) []charts.Lines {
	steps, x := h.Steps.All(), epochAxis(h)
	list := []charts.Lines{lossCurves(h, steps), accuracyCurves(h)}
	list = append(list, charts.Lines{Title: "Learning rate", X: x, Y: charts.Axis{Label: "learning rate", Zero: true}, Marks: lrMarks(h),
		Series: []charts.LineSeries{ofSteps("learning rate", 0, steps, func(p history.Point) float64 { return p.LR })}})
	speed := charts.Lines{Title: "Throughput", X: x, Y: charts.Axis{Label: "images per second", Zero: true}, Series: []charts.LineSeries{
		ofSteps("steps", 0, steps, func(p history.Point) float64 { return p.ImagesPerSecond }),
		ofEpochs("epochs", 0, h.Epochs, func(e report.Epoch) float64 { return e.ImagesPerSecond })}}
	speed.Series[0].Faint = true
	wait := charts.Lines{Title: "Waiting for input", X: x, Y: charts.Axis{Label: "fraction of training time", Percent: true, Zero: true, Max: 0.05},
		Series: []charts.LineSeries{ofEpochs("waiting for images", 0, h.Epochs, func(e report.Epoch) float64 { return e.DataWaitShare })}, Empty: "no epoch is complete"}
	times := charts.Lines{Title: "Time per epoch", X: x, Y: charts.Axis{Label: "seconds, with validation", Zero: true},
		Series: []charts.LineSeries{ofEpochs("time", 0, h.Epochs, func(e report.Epoch) float64 { return e.Seconds })}, Empty: "no epoch is complete"}
	list = append(list, speed, wait, times)
	if slices.ContainsFunc(steps, func(p history.Point) bool { return p.GradNorm > 0 }) {
		list = append(list, charts.Lines{Title: "Gradient norm", X: x, Y: charts.Axis{Label: "L2 norm before clipping", Log: true},
			Series: []charts.LineSeries{ofSteps("gradient norm", 0, steps, func(p history.Point) float64 { return p.GradNorm })}})
	}
	if slices.ContainsFunc(steps, func(p history.Point) bool { return p.LossScale > 0 }) {
		list = append(list, charts.Lines{Title: "Loss scale", X: x, Y: charts.Axis{Label: "scale of the loss in fp16", Log: true},
			Series: []charts.LineSeries{ofSteps("loss scale", 0, steps, func(p history.Point) float64 { return p.LossScale })}})
	}
	return list
}

// lrMarks are where the learning rate was changed on request; of several changes between two steps the last one.
func lrMarks(h *history.History) []charts.Mark {
	var marks []charts.Mark
	for _, c := range h.Controls {
		if c.Action != report.ControlLR {
			continue
		}
		if n := len(marks); n > 0 && marks[n-1].X == c.Epoch {
			marks = marks[:n-1]
		}
		marks = append(marks, charts.Mark{X: c.Epoch, Name: fmt.Sprintf("times %.3g", c.LRFactor)})
	}
	return marks
}

func lossCurves(h *history.History, steps []history.Point) charts.Lines {
	c := charts.Lines{Title: "Loss", X: epochAxis(h), Y: charts.Axis{Label: "cross entropy", Robust: true}}
	if h.Start.MultiLabel {
		c.Y.Label = "binary cross entropy"
	}
	single := ofSteps("training, steps", 0, steps, func(p history.Point) float64 { return p.Loss })
	single.Faint = true
	c.Series = []charts.LineSeries{single, ofEpochs("training", 0, h.Epochs, func(e report.Epoch) float64 { return e.TrainLoss })}
	c.Series = append(c.Series, validated("validation", 1, h.Epochs, func(e report.Epoch) float64 { return e.ValLoss })...)
	c.Series = append(c.Series, averaged("validation, average", h.Epochs, func(e report.Epoch) float64 { return e.EMAValLoss })...)
	return c
}

func accuracyCurves(h *history.History) charts.Lines {
	c := charts.Lines{Title: "Accuracy", X: epochAxis(h), Y: charts.Axis{Label: "accuracy", Percent: true}, Empty: "no epoch is complete"}
	if best := h.Best(); best != nil {
		c.Marks = []charts.Mark{{X: float64(best.Epoch), Name: fmt.Sprintf("best: epoch %d", best.Epoch)}}
	}
	if h.Start.MultiLabel {
		multiLabelCurves(&c, h)
		return c
	}
	c.Series = []charts.LineSeries{ofEpochs("training top-1", 0, h.Epochs, func(e report.Epoch) float64 { return e.TrainTop1 })}
	c.Series = append(c.Series, validated("validation top-1", 1, h.Epochs, func(e report.Epoch) float64 { return e.ValTop1 })...)
	if !report.TrivialTop5(h.Start.Classes) {
		c.Series = append(c.Series, validated("validation top-5", 2, h.Epochs, func(e report.Epoch) float64 { return e.ValTop5 })...)
	}
	c.Series = append(c.Series, averaged("top-1, average", h.Epochs, func(e report.Epoch) float64 { return e.EMAValTop1 })...)
	return c
}

// multiLabelCurves draws the mAP, and the exact matches that multi-label data has in place of top-1.
func multiLabelCurves(c *charts.Lines, h *history.History) {
	c.Title, c.Y.Label = "mAP and exact matches", "mAP; fraction of images"
	c.Series = []charts.LineSeries{ofEpochs("training exact", 0, h.Epochs, func(e report.Epoch) float64 { return e.TrainTop1 })}
	c.Series = append(c.Series, validated("validation mAP", 1, h.Epochs, func(e report.Epoch) float64 { return e.ValMAP })...)
	c.Series = append(c.Series, validated("validation exact", 2, h.Epochs, func(e report.Epoch) float64 { return e.ValTop1 })...)
	c.Series = append(c.Series, averaged("mAP, average", h.Epochs, func(e report.Epoch) float64 { return e.EMAValMAP })...)
}

func ofSteps(name string, color int, steps []history.Point, value func(history.Point) float64) charts.LineSeries {
	s := charts.LineSeries{Name: name, Color: color}
	for _, p := range steps {
		s.X, s.Y = append(s.X, p.Epoch), append(s.Y, value(p))
	}
	return s
}

func ofEpochs(name string, color int, epochs []report.Epoch, value func(report.Epoch) float64) charts.LineSeries {
	s := charts.LineSeries{Name: name, Color: color}
	for _, e := range epochs {
		s.X, s.Y = append(s.X, float64(e.Epoch)), append(s.Y, value(e))
	}
	return s
}

// validated is the series of the epochs with a validation; none without.
func validated(name string, color int, epochs []report.Epoch, value func(report.Epoch) float64) []charts.LineSeries {
	return ofSome(name, color, epochs, func(e report.Epoch) bool { return e.ValImages > 0 }, value)
}

// averaged is the series of the epochs with a validation of the weight average.
func averaged(name string, epochs []report.Epoch, value func(report.Epoch) float64) []charts.LineSeries {
	return ofSome(name, 3, epochs, func(e report.Epoch) bool { return e.ValImages > 0 && e.Averaged }, value)
}

func ofSome(name string, color int, epochs []report.Epoch, has func(report.Epoch) bool, value func(report.Epoch) float64) []charts.LineSeries {
	var list []report.Epoch
	for _, e := range epochs {
		if has(e) {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return []charts.LineSeries{ofEpochs(name, color, list, value)}
}

// Results returns all curves as one chart.
func Results(title string, h *history.History) charts.Chart {
	g := charts.Grid{Title: title, Columns: 3}
	for _, c := range Curves(h) {
		g.Charts = append(g.Charts, c)
	}
	return g
}
