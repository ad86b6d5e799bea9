package page

import (
	"fmt"
	"html/template"
	"io"
	"path/filepath"

	"depthwise.dev/report"
	"depthwise.dev/report/charts"
	"depthwise.dev/report/history"
)

// Setting is one in which runs differ, with its value in each.
type Setting struct {
	Name   string
	Values []string
}

// overlayView is a comparison of runs.
type overlayView struct {
	Runs     []overlayRun
	Settings []Setting
}

type overlayRun struct {
	Name, Dir, State, Epochs string
	Best, BestValue, Epoch   string
	Loss, Speed, Time        string
}

// Names returns short names of folders: their last elements, or as much of the paths as tells them apart.
func Names(dirs []string) []string {
	names := make([]string, len(dirs))
	seen := map[string]int{}
	for i, dir := range dirs {
		names[i] = filepath.Base(dir)
		seen[names[i]]++
	}
	for i, dir := range dirs {
		if seen[names[i]] > 1 {
			names[i] = filepath.ToSlash(filepath.Clean(dir))
		}
	}
	return names
}

// Overlay returns the curves of several runs in the same charts, a color for each run.
func Overlay(names []string, list []*history.History) []charts.Lines {
	of := func(title string, y charts.Axis, series func(name string, color int, h *history.History) []charts.LineSeries) charts.Lines {
		c := charts.Lines{Title: title, X: epochAxis(list...), Y: y, Empty: "no run has these values"}
		for i, h := range list {
			c.Series = append(c.Series, series(names[i], i, h)...)
		}
		return c
	}
	epochs := func(value func(report.Epoch) float64) func(string, int, *history.History) []charts.LineSeries {
		return func(name string, color int, h *history.History) []charts.LineSeries {
			return ofSome(name, color, h.Epochs, func(report.Epoch) bool { return true }, value)
		}
	}
	val := func(value func(report.Epoch) float64) func(string, int, *history.History) []charts.LineSeries {
		return func(name string, color int, h *history.History) []charts.LineSeries {
			return validated(name, color, h.Epochs, value)
		}
	}
	return []charts.Lines{
		of("Validation top-1", charts.Axis{Label: "accuracy", Percent: true}, val(bestTop1)),
		of("Validation loss", charts.Axis{Label: "cross entropy", Robust: true}, val(func(e report.Epoch) float64 { return e.ValLoss })),
		of("Training loss", charts.Axis{Label: "cross entropy", Robust: true}, epochs(func(e report.Epoch) float64 { return e.TrainLoss })),
		of("Training top-1", charts.Axis{Label: "accuracy", Percent: true}, epochs(func(e report.Epoch) float64 { return e.TrainTop1 })),
		of("Learning rate", charts.Axis{Label: "learning rate", Zero: true}, func(name string, color int, h *history.History) []charts.LineSeries {
			return []charts.LineSeries{ofSteps(name, color, h.Steps.All(), func(p history.Point) float64 { return p.LR })}
		}),
		of("Throughput", charts.Axis{Label: "images per second", Zero: true}, epochs(func(e report.Epoch) float64 { return e.ImagesPerSecond })),
		of("Waiting for input", charts.Axis{Label: "fraction of training time", Percent: true, Zero: true, Max: 0.05}, epochs(func(e report.Epoch) float64 { return e.DataWaitShare })),
		of("Time per epoch", charts.Axis{Label: "seconds, with validation", Zero: true}, epochs(func(e report.Epoch) float64 { return e.Seconds })),
	}
}

// bestTop1 is the accuracy that counts: of the weights or of their average.
func bestTop1(e report.Epoch) float64 {
	if e.Averaged {
		return max(e.ValTop1, e.EMAValTop1)
	}
	return e.ValTop1
}

// WriteOverlay writes a page that compares runs.
func WriteOverlay(w io.Writer, runs []Data, settings []Setting) error {
	v := &view{Title: fmt.Sprintf("Comparison of %d runs", len(runs)), Style: template.CSS(charts.CSS() + style), Script: template.JS(script), Overlay: &overlayView{Settings: settings},
		Sections: []section{{"curves", "Curves"}, {"runs", "Runs"}, {"settings", "Settings"}}}
	var dirs []string
	var histories []*history.History
	for _, d := range runs {
		dirs, histories = append(dirs, d.Dir), append(histories, d.History)
	}
	names := Names(dirs)
	for _, c := range Overlay(names, histories) {
		svg, err := inline(c)
		if err != nil {
			return err
		}
		v.Curves = append(v.Curves, svg)
	}
	for i, d := range runs {
		v.Overlay.Runs = append(v.Overlay.Runs, overlayRunOf(names[i], d))
		for _, p := range d.Problems {
			v.Problems = append(v.Problems, names[i]+": "+p)
		}
	}
	return v.write(w)
}

func overlayRunOf(name string, d Data) overlayRun {
	r := overlayRun{Name: name, Dir: d.Dir, State: d.State, Epochs: fmt.Sprintf("%d of %d", len(d.History.Epochs), d.History.Start.Epochs)}
	if best, top1, _, loss := d.best(); best != nil {
		r.Best, r.BestValue, r.Epoch, r.Loss = measure(top1), exact(top1), fmt.Sprint(best.Epoch), decimal(loss)
	}
	speed, seconds := 0.0, 0.0
	for _, e := range d.History.Epochs {
		speed += e.ImagesPerSecond / float64(len(d.History.Epochs))
		seconds += e.Seconds
	}
	if len(d.History.Epochs) > 0 {
		r.Speed, r.Time = fmt.Sprintf("%.0f", speed), duration(seconds)
	}
	return r
}
