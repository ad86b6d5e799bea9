package page

import (
	"fmt"
	"html/template"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"depthwise.dev/metrics"
	"depthwise.dev/report"
	"depthwise.dev/report/charts"
)

// view is the page in the form of its template: texts and finished charts.
type view struct {
	Title, Subtitle    string
	State, StateText   string
	Error              string
	Style              template.CSS
	Script             template.JS
	Live               *Live
	Tiles              []tile
	Curves             []template.HTML
	Confusion          *confusionView
	Classes            []classRow
	Averages           []classRow
	ValidationNote     string // in place of the parts that need predictions
	PredictionsNote    string // about the predictions
	Worst, Unsure      []exampleView
	NoWorst            string
	Reliability        template.HTML
	CalibrationText    string
	Batch              *pictureView
	Layers             *layersView
	Network            *networkView
	Settings           string
	Description        []string
	Machine            []string
	Commands           []string
	Notes, Problems    []string
	Controls           []string // what was done on request
	Details            bool     // there is a part of settings, network, machine and messages
	Skips              []report.Skip
	SkippedText        string
	EpochRows          []epochRow
	Overlay            *overlayView
	Sections           []section
	Headings           [3]string // of the accuracies in the table of epochs; "": not shown
	MultiLabel         *multiLabelView
	confusionOfSummary metrics.Summary
	multiLabelSummary  *multiLabelSummary
}

// section is an entry of the navigation.
type section struct{ ID, Name string }

// tile is a key figure. Value is the number for programs, which tests read.
type tile struct{ Name, Text, Note, Value string }

// exact writes a number so that programs read the same number.
func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func percent(v float64) string { return fmt.Sprintf("%.1f\u00a0%%", 100*v) }

// measure writes a measure as train eval does.
func measure(v float64) string { return fmt.Sprintf("%.2f\u00a0%%", 100*v) }

// decimal writes a loss as train eval does.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }

// short writes a number with three significant digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// view computes the page.
func (d Data) view() (*view, error) {
	v := &view{Title: filepath.Base(d.Dir), Style: template.CSS(charts.CSS() + style), Script: template.JS(script), Settings: d.Settings, Machine: d.Machine, Commands: d.Commands,
		Problems: d.Problems}
	if v.Live = d.Live; v.Live != nil {
		v.Script = template.JS(LiveScript()) //nolint:gosec // a constant
	}
	v.describe(d)
	for _, c := range Curves(d.History) {
		svg, err := inline(c)
		if err != nil {
			return nil, err
		}
		v.Curves = append(v.Curves, svg)
	}
	if err := v.measure(d); err != nil {
		return nil, err
	}
	v.tiles(d)
	v.examples(d)
	v.Batch = pictureOf(d.Batch)
	var err error
	if v.Layers, err = layersOf(d.Layers); err != nil {
		return nil, err
	}
	v.Network = networkOf(d.Network)
	v.log(d)
	v.Details = v.Settings != "" || v.Network != nil || len(v.Machine)+len(v.Notes)+len(v.Skips)+len(v.Controls) > 0
	v.EpochRows = epochRows(d.History.Epochs, d.History.Start.MultiLabel)
	v.Headings = [3]string{"training top-1", "validation top-1", "top-5"}
	if report.TrivialTop5(d.History.Start.Classes) {
		v.Headings[2] = ""
	}
	if d.History.Start.MultiLabel {
		v.Headings = [3]string{"training exact match", "validation mAP", "exact match"}
	}
	v.sections()
	return v, nil
}

func inline(c charts.Chart) (template.HTML, error) {
	svg, err := charts.InlineSVG(c)
	return template.HTML(svg), err //nolint:gosec // package charts escapes texts
}

// describe writes the head of the page.
func (v *view) describe(d Data) {
	h := d.History
	v.State, v.StateText = d.State, d.State
	if h.Done != nil && h.Done.Error != "" {
		v.Error = h.Done.Error
	}
	if text := strings.TrimSpace(h.Start.Description); text != "" {
		v.Description = strings.Split(text, "\n")
	}
	var parts []string
	if h.Start.Images > 0 {
		parts = append(parts, counted(h.Start.Images, "training image"))
	}
	if h.Start.ValImages > 0 {
		parts = append(parts, counted(h.Start.ValImages, "validation image"))
	}
	if n := len(d.Classes); n > 0 {
		parts = append(parts, fmt.Sprintf("%d classes", n))
	}
	if h.Start.Epochs > 0 {
		parts = append(parts, fmt.Sprintf("epoch %d of %d", len(h.Epochs), h.Start.Epochs), fmt.Sprintf("step %s of %s", thousands(h.LastStep), thousands(h.Start.Steps)))
	}
	v.Subtitle = strings.Join(parts, " · ")
}

// counted writes a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return thousands(int64(n)) + " " + thing + "s"
}

// tiles are the key figures.
func (v *view) tiles(d Data) {
	train := "Training top-1"
	if d.History.Start.MultiLabel {
		train = "Training exact match"
		v.multiLabelTiles(d)
	} else {
		v.accuracyTiles(d)
	}
	epochs := d.History.Epochs
	if len(epochs) == 0 {
		return
	}
	last := epochs[len(epochs)-1]
	v.add(train, measure(last.TrainTop1), fmt.Sprintf("epoch %d, augmented", last.Epoch), last.TrainTop1)
	speed, seconds, wait := 0.0, 0.0, 0.0
	for _, e := range epochs {
		speed += e.ImagesPerSecond / float64(len(epochs))
		wait += e.DataWaitShare / float64(len(epochs))
		seconds += e.Seconds
	}
	v.add("Throughput", thousands(int64(speed+0.5))+" img/s", fmt.Sprintf("%.1f %% waiting for input", 100*wait), speed)
	v.add("Time", duration(seconds), fmt.Sprintf("%s per epoch", duration(seconds/float64(len(epochs)))), seconds)
}

// accuracyTiles are those of the best epoch.
func (v *view) accuracyTiles(d Data) {
	s := v.confusionOfSummary
	if best, r := d.best(); best != nil {
		note := fmt.Sprintf("epoch %d", best.Epoch)
		if s.Images > 0 && len(v.PredictionsNote) == 0 {
			note += fmt.Sprintf("; 95\u00a0%% interval %.2f to %.2f", 100*s.Top1Interval.Low, 100*s.Top1Interval.High)
		}
		v.add("Best validation top-1", measure(r.Top1), note, r.Top1)
		if !report.TrivialTop5(d.History.Start.Classes) {
			v.add("Top-5", measure(r.Top5), "same epoch", r.Top5)
		}
		v.add("Validation loss", decimal(r.Loss), "same epoch", r.Loss)
	}
	if s.Images > 0 {
		v.add("Balanced accuracy", measure(s.BalancedAccuracy), "mean recall of the classes", s.BalancedAccuracy)
		v.add("Calibration error", measure(s.ECE), "ECE, 15 bins; 0 is ideal", s.ECE)
	}
}

func (v *view) add(name, text, note string, value float64) {
	v.Tiles = append(v.Tiles, tile{name, text, note, exact(value)})
}

// duration writes seconds: 45.2 s, 12 min 5 s, 3 h 12 min.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%.1f s", seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// log lists notes and skipped images.
func (v *view) log(d Data) {
	for _, n := range d.History.Notes {
		text := n.Text
		if n.Level == report.Warning {
			text = "Warning: " + text
		}
		v.Notes = append(v.Notes, text)
	}
	for _, c := range d.History.Controls {
		v.Controls = append(v.Controls, c.Text())
	}
	v.Skips = d.History.Skips
	if n := d.History.Skipped; n > 0 {
		v.SkippedText = fmt.Sprintf("%d images could not be read and were skipped", n)
		if n > len(v.Skips) {
			v.SkippedText += fmt.Sprintf("; the first %d:", len(v.Skips))
		}
	}
}

// epochRow is a row of the table of epochs, the text form of the curves.
type epochRow struct {
	Epoch                                              int
	TrainLoss, TrainTop1, ValLoss, ValTop1, ValTop5    string
	LR, Speed, Wait, Seconds                           string
	Best, Averaged                                     bool
	EMATop1                                            string
	TrainLossValue, TrainTop1Value, ValLossV, ValTop1V string
}

func epochRows(epochs []report.Epoch, multiLabel bool) []epochRow {
	var rows []epochRow
	for _, e := range epochs {
		r := epochRow{Epoch: e.Epoch, TrainLoss: decimal(e.TrainLoss), TrainTop1: measure(e.TrainTop1), LR: short(e.LR), Speed: fmt.Sprintf("%.0f", e.ImagesPerSecond),
			Wait: percent(e.DataWaitShare), Seconds: fmt.Sprintf("%.1f", e.Seconds), Best: e.Best, TrainLossValue: exact(e.TrainLoss), TrainTop1Value: exact(e.TrainTop1)}
		if e.ValImages > 0 {
			r.ValLoss, r.ValTop1, r.ValTop5, r.ValLossV, r.ValTop1V = decimal(e.ValLoss), measure(e.ValTop1), measure(e.ValTop5), exact(e.ValLoss), exact(e.ValTop1)
			if multiLabel {
				r.ValTop1, r.ValTop5, r.ValTop1V = measure(e.ValMAP), measure(e.ValTop1), exact(e.ValMAP)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// sections lists the parts that the page has, for the navigation.
func (v *view) sections() {
	for _, s := range []struct {
		has      bool
		id, name string
	}{
		{true, "curves", "Curves"}, {v.Confusion != nil, "confusion", "Confusion"}, {v.ValidationNote != "", "confusion", "Validation"}, {v.Confusion != nil || v.MultiLabel != nil, "classes", "Classes"},
		{len(v.Worst)+len(v.Unsure) > 0 || v.NoWorst != "", "images", "Images"}, {v.Reliability != "", "calibration", "Calibration"}, {v.Batch != nil, "batch", "Training batch"},
		{v.Layers != nil, "layers", "Layers"}, {v.Details, "details", "Details"}, {len(v.Commands) > 0, "next", "Next"},
	} {
		if s.has {
			v.Sections = append(v.Sections, section{s.id, s.name})
		}
	}
}
