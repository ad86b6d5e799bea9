package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/metrics"
	"depthwise.dev/report"
)

// shownClasses is the number of classes in the table of an evaluation, and shownMistakes that of pairs of classes below it.
const (
	shownClasses  = 20
	shownMistakes = 5
)

// evalText is the result of an evaluation for a terminal.
func evalText(r classify.EvalResult, allClasses bool) string {
	var b strings.Builder
	writeAccuracies(&b, r)
	writeClasses(&b, r, allClasses)
	writeMistakes(&b, r)
	writeComparison(&b, r)
	writeEvalNotes(&b, r)
	return b.String()
}

func writeAccuracies(b *strings.Builder, r classify.EvalResult) {
	fmt.Fprintf(b, "%d images of %d classes, %.1f img/s\n\n", r.Images, len(r.Classes), r.ImagesPerSecond)
	trivial := report.TrivialTop5(len(r.Classes))
	for _, row := range []struct {
		name     string
		value    float64
		interval metrics.Interval
	}{
		{"top-1 accuracy", r.Top1, r.Intervals.Top1}, {"top-5 accuracy", r.Top5, r.Intervals.Top5},
		{"balanced accuracy", r.BalancedAccuracy, r.Intervals.BalancedAccuracy},
	} {
		if trivial && row.name == "top-5 accuracy" {
			continue
		}
		fmt.Fprintf(b, "%-18s %6.2f %%   95 %% interval %.2f to %.2f %%\n", row.name, 100*row.value, 100*row.interval.Low, 100*row.interval.High)
	}
	fmt.Fprintf(b, "%-18s %6.4f\n%-18s %6.2f %%", "loss", r.Loss, "calibration error", 100*r.Calibration.ECE)
	if t := r.Calibration.Temperature; t > 0 && !metrics.AtLimit(t) {
		fmt.Fprintf(b, "   %.2f %% with logits divided by %.3g (--calibrated)", 100*r.Calibration.ScaledECE, t)
	}
	b.WriteString("\n")
}

// writeClasses writes a line for each class, of many those with the lowest F1.
func writeClasses(b *strings.Builder, r classify.EvalResult, all bool) {
	list, title := slices.Clone(r.Classes), "class"
	list = slices.DeleteFunc(list, func(c classify.ClassResult) bool { return c.Support == 0 && c.Precision == 0 && !all })
	if len(list) > shownClasses && !all {
		slices.SortStableFunc(list, func(a, b classify.ClassResult) int { return cmp.Compare(a.F1, b.F1) })
		title, list = fmt.Sprintf("class (the %d with the lowest F1 of %d)", shownClasses, len(list)), list[:shownClasses]
	}
	width := len("weighted average")
	for _, c := range list {
		width = max(width, min(textWidth(data.ShowName(c.Class)), 40))
	}
	width = max(width, len(title))
	row := func(name string, s metrics.ClassScore) {
		fmt.Fprintf(b, "%s %9.2f %% %7.2f %% %7.2f %% %7d\n", padded(name, width), 100*s.Precision, 100*s.Recall, 100*s.F1, s.Support)
	}
	fmt.Fprintf(b, "\n%s %11s %9s %9s %7s\n", padded(title, width), "precision", "recall", "F1", "images")
	for _, c := range list {
		row(data.ShowName(c.Class), c.ClassScore)
	}
	row("macro average", r.Average.Macro)
	row("weighted average", r.Average.Weighted)
}

// writeMistakes names the pairs of classes that are mistaken most often.
func writeMistakes(b *strings.Builder, r classify.EvalResult) {
	mistakes := r.Confusion.Mistakes()
	if len(mistakes) == 0 {
		return
	}
	b.WriteString("\nmost frequent mistakes\n")
	for _, m := range mistakes[:min(shownMistakes, len(mistakes))] {
		fmt.Fprintf(b, "  %d of %d images of %s were predicted as %s\n", m.Images, r.Classes[m.Class].Support,
			data.ShowName(r.Classes[m.Class].Class), data.ShowName(r.Classes[m.Predicted].Class))
	}
}

func writeComparison(b *strings.Builder, r classify.EvalResult) {
	c := r.Comparison
	if c == nil {
		return
	}
	verdict := "the difference may be due to chance"
	if c.McNemar.P < 0.05 {
		verdict = "the difference is significant at the level of 5 %"
	}
	fmt.Fprintf(b, "\ncompared with %s on %d images: top-1 %.2f %% and %.2f %%\n", data.ShowName(c.Weights), c.Images, 100*c.Top1, 100*c.Other)
	fmt.Fprintf(b, "  images that only these weights classify correctly: %d, only the others: %d; McNemar's exact test: p = %.3g: %s\n",
		c.McNemar.OnlyFirst, c.McNemar.OnlySecond, c.McNemar.P, verdict)
}

// writeEvalNotes writes what was measured and what was not.
func writeEvalNotes(b *strings.Builder, r classify.EvalResult) {
	var notes strings.Builder
	if r.TTA == classify.TTAFlip {
		notes.WriteString("test-time augmentation: mean probabilities of each image and its mirror image\n")
	}
	if r.Measured != "" {
		fmt.Fprintf(&notes, "measured %s\n", r.Measured)
	}
	for _, note := range []struct {
		names []string
		text  string
	}{{r.Unknown, "classes unknown to the model (skipped)"}, {r.Missing, "classes of the model without an image"}} {
		if len(note.names) > 0 {
			fmt.Fprintf(&notes, "%s: %s\n", note.text, data.ShowName(someNames(note.names)))
		}
	}
	for _, p := range r.Skipped {
		fmt.Fprintf(&notes, "skipped %s\n", p)
	}
	for _, p := range r.LeftOut {
		fmt.Fprintf(&notes, "warning: %s\n", p)
	}
	if notes.Len() > 0 {
		b.WriteString("\n" + notes.String())
	}
}

// someNames joins names, of many the first ones.
func someNames(names []string) string {
	const most = 20 // a network for ImageNet has 1,000
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
