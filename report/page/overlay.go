package page

import (
	"fmt"
	"html/template"
	"io"
	"path/filepath"

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
	Measure  string // what the best epochs are chosen by
	Note     string // about runs that cannot be compared
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
	single, multi := divide(histories)
	mixed := len(single) > 0 && len(multi) > 0
	switch {
	case mixed:
		v.Overlay.Measure = "best top-1 or mAP"
		v.Overlay.Note = "Some runs have one class for each image and some have any number. Top-1 accuracy and cross entropy of the former cannot be compared with mAP, exact matches and binary cross entropy of the latter, so these have charts of their own."
	case len(multi) > 0:
		v.Overlay.Measure = "best mAP"
	default:
		v.Overlay.Measure = "best top-1"
	}
	for i, d := range runs {
		v.Overlay.Runs = append(v.Overlay.Runs, overlayRunOf(names[i], d, mixed))
		for _, p := range d.Problems {
			v.Problems = append(v.Problems, names[i]+": "+p)
		}
	}
	return v.write(w)
}

func overlayRunOf(name string, d Data, mixed bool) overlayRun {
	r := overlayRun{Name: name, Dir: d.Dir, State: d.State, Epochs: fmt.Sprintf("%d of %d", len(d.History.Epochs), d.History.Start.Epochs)}
	if best, x := d.best(); best != nil {
		multi, figure := d.History.Start.MultiLabel, x.Top1
		if multi {
			figure = x.MAP
		}
		r.Best, r.BestValue, r.Epoch, r.Loss = measure(figure), exact(figure), fmt.Sprint(best.Epoch), decimal(x.Loss)
		if mixed {
			r.Best = map[bool]string{false: "top-1 ", true: "mAP "}[multi] + r.Best
		}
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
