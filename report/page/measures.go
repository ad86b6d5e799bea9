package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"

	"depthwise.dev/metrics"
	"depthwise.dev/report/charts"
)

// shownMistakes is the number of pairs of classes below the confusion matrix.
const shownMistakes = 15

// confusionView is the part about mistakes between classes.
type confusionView struct {
	Chart    template.HTML
	Text     string
	Mistakes []mistakeRow
	Cells    template.JS // JSON for the script that names the cell at the pointer
}

type mistakeRow struct {
	Class, Predicted string
	Images           int
	Text, Value      string // fraction of the class
}

// classRow is a row of the table of classes, with exact values for sorting and for tests.
type classRow struct {
	Class                                   string
	Images                                  int
	Precision, Recall, F1                   string
	PrecisionValue, RecallValue, F1Value    string
	MostConfused                            string
	RecallWidth, PrecisionWidth, F1BarWidth float64
}

// measure computes everything that follows from the predictions.
func (v *view) measure(d Data) error {
	if d.History.Start.MultiLabel {
		v.measureMultiLabel(d)
		return nil
	}
	if len(d.Predictions) == 0 {
		v.ValidationNote = noPredictions(d)
		return nil
	}
	s := metrics.Summarize(d.Classes, d.Predictions)
	v.confusionOfSummary = s
	v.PredictionsNote = predictionsNote(d, s)
	matrix, err := inline(MatrixOf(s))
	if err != nil {
		return err
	}
	right := int(math.Round(s.Top1 * float64(s.Images)))
	v.Confusion = &confusionView{Chart: matrix, Text: fmt.Sprintf("%d of %d validation images are classified correctly.", right, s.Images)}
	for _, m := range s.Confusion.Mistakes() {
		if len(v.Confusion.Mistakes) == shownMistakes {
			break
		}
		part := float64(m.Images) / float64(s.Scores[m.Class].Support)
		v.Confusion.Mistakes = append(v.Confusion.Mistakes, mistakeRow{s.Classes[m.Class], s.Classes[m.Predicted], m.Images, percent(part), exact(part)})
	}
	if v.Confusion.Cells, err = cellsOf(s); err != nil {
		return err
	}
	v.classes(s)
	return v.calibration(s)
}

// noPredictions says why the page has no confusion matrix, and what to do.
func noPredictions(d Data) string {
	what := "The confusion matrix, the classes and the images"
	if d.History.Start.MultiLabel {
		what = "The classes and the images"
	}
	switch {
	case d.History.Start.ValImages == 0 && d.History.Start.Images > 0:
		return "This run has no validation images, so there is nothing to measure."
	case len(d.History.Epochs) == 0:
		return "The first epoch is not complete. " + what + " follow after its validation."
	case len(d.Problems) > 0:
		return "The predictions could not be read; see the problems below."
	}
	return fmt.Sprintf("The folder has no %s. train eval with --predictions writes it; then train report draws the page again.", PredictionsFile)
}

// predictionsNote says where predictions are not those of the best epoch.
func predictionsNote(d Data, s metrics.Summary) string {
	best, r := d.best()
	if best == nil || math.Abs(r.Top1-s.Top1)*float64(s.Images) < 0.5 { // the same number of images
		return ""
	}
	return fmt.Sprintf("The predictions in %s have a top-1 accuracy of %.1f %%, and the best epoch %.1f %%: they are of other weights or computed in another precision.", PredictionsFile, 100*s.Top1, 100*r.Top1)
}

// MatrixOf returns the confusion matrix of predictions.
func MatrixOf(s metrics.Summary) charts.Matrix {
	return charts.Matrix{Title: "Confusion matrix", RowLabel: "class of the image", ColumnLabel: "predicted class", Names: s.Classes, Counts: s.Confusion}
}

// cellsOf returns names and counts of the cells as JSON, for the script.
func cellsOf(s metrics.Summary) (template.JS, error) {
	cells := [][3]int{}
	for t, row := range s.Confusion {
		for p, n := range row {
			if n > 0 {
				cells = append(cells, [3]int{t, p, n})
			}
		}
	}
	text, err := json.Marshal(map[string]any{"names": s.Classes, "cells": cells}) // escapes <, > and &
	return template.JS(text), err
}

func (v *view) classes(s metrics.Summary) {
	worst := map[int]metrics.Mistake{}
	for _, m := range s.Confusion.Mistakes() {
		if _, ok := worst[m.Class]; !ok {
			worst[m.Class] = m
		}
	}
	for i, c := range s.Scores {
		row := scoreRow(s.Classes[i], c)
		if m, ok := worst[i]; ok {
			row.MostConfused = fmt.Sprintf("%s (%d)", s.Classes[m.Predicted], m.Images)
		}
		v.Classes = append(v.Classes, row)
	}
	v.Averages = []classRow{scoreRow("macro average", s.Average.Macro), scoreRow("weighted average", s.Average.Weighted)}
}

func scoreRow(name string, c metrics.ClassScore) classRow {
	return classRow{Class: name, Images: c.Support, Precision: measure(c.Precision), Recall: measure(c.Recall), F1: measure(c.F1),
		PrecisionValue: exact(c.Precision), RecallValue: exact(c.Recall), F1Value: exact(c.F1),
		PrecisionWidth: 100 * c.Precision, RecallWidth: 100 * c.Recall, F1BarWidth: 100 * c.F1}
}

func (v *view) calibration(s metrics.Summary) error {
	c := charts.Reliability{Title: "Reliability diagram", ECE: s.ECE}
	confidence := 0.0
	for _, b := range s.Bins {
		c.Bins = append(c.Bins, charts.ReliabilityBin(b))
		confidence += b.Confidence * float64(b.Images) / float64(max(s.Images, 1))
	}
	var err error
	v.Reliability, err = inline(c)
	verdict := "less confident than accurate"
	if confidence > s.Top1 {
		verdict = "more confident than accurate"
	}
	v.CalibrationText = fmt.Sprintf("The expected calibration error is %.2f\u00a0%%. The mean confidence is %.1f\u00a0%% at an accuracy of %.1f\u00a0%%: the network is %s. train eval with --calibrated writes weights with calibrated probabilities.",
		100*s.ECE, 100*confidence, 100*s.Top1, verdict)
	return err
}
