package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/data/labels"
	"depthwise.dev/metrics"
	"depthwise.dev/report/runs"
)

// listFlags are the flags of every command that reads a CSV file of images, the first one under a name.
func listFlags(cmd *cobra.Command, images, delimiter *string, name string) {
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.StringVar(images, name, *images, "folder that the paths in a CSV file start from")
		fs.Var(choice{delimiter, labels.Delimiters}, "label-delimiter", "what separates the labels of an image in a CSV file")
		folderPath(fs, name)
		defaultText(fs, name, "that of the file")
		defaultText(fs, "label-delimiter", "auto")
	})
}

// multiLabelFlags are the flags of training on images with any number of labels.
func multiLabelFlags(cmd *cobra.Command, c *config.Config) {
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.BoolVar(&c.MultiLabel, "multi-label", c.MultiLabel, "an image may have any number of the classes, also if each has one; implied by a CSV file in which an image has several")
	})
	flagGroup(cmd, groupOptimization, func(fs *pflag.FlagSet) {
		fs.Var(choice{&c.PosWeight, config.PosWeights}, "pos-weight", "weight of the images with a class in its loss, for multi-label data")
	})
}

// listArguments are the flags by which a command reads the CSV file of a run as the run did.
func listArguments(c config.Config) string {
	text := ""
	if c.Images != "" {
		text += " --images " + shellWord(c.Images)
	}
	if c.LabelDelimiter != "" && c.LabelDelimiter != config.Default().LabelDelimiter {
		text += " --label-delimiter " + shellWord(c.LabelDelimiter)
	}
	return text
}

// bestOf is the measure of a run's best epoch: top-1, or the mAP of multi-label data.
func bestOf(r runs.Run) string {
	if r.BestMAP > 0 {
		return fmt.Sprintf("mAP %.2f %%", 100*r.BestMAP)
	}
	return fmt.Sprintf("%.2f %%", 100*r.BestTop1)
}

// evaluateMultiLabel evaluates multi-label weights.
func evaluateMultiLabel(cmd *cobra.Command, c classify.EvalConfig, asJSON, allClasses bool) error {
	r, err := classify.EvaluateMultiLabel(cmd.Context(), c)
	if err != nil {
		return err
	}
	return show(cmd, asJSON, r, func() string { return multiLabelText(r, allClasses) })
}

// multiLabelText is the result of an evaluation for a terminal.
func multiLabelText(r classify.MultiLabelResult, allClasses bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d images of %d classes, any number in an image, %.1f img/s\n\n", r.Images, len(r.Classes), r.ImagesPerSecond)
	fmt.Fprintf(&b, "%-18s %6.2f %%", "mAP", 100*r.MAP)
	if i := r.MAPInterval; i != nil {
		fmt.Fprintf(&b, "   95 %% interval %.2f to %.2f %%", 100*i.Low, 100*i.High)
	}
	fmt.Fprintf(&b, "\n%-18s %6.2f %%\n%-18s %6.2f %%", "micro F1", 100*r.Micro.F1, "macro F1", 100*r.Macro.F1)
	if r.BestMacroF1 > r.Macro.F1 {
		fmt.Fprintf(&b, "   %.2f %% with the thresholds that are best on these images (--thresholds)", 100*r.BestMacroF1)
	}
	fmt.Fprintf(&b, "\n%-18s %6.2f %%   images with exactly the right classes\n%-18s %6.4f\n", "exact match", 100*r.Exact, "loss", r.Loss)
	writeMultiLabelClasses(&b, r, allClasses)
	writeEvalNotes(&b, classify.EvalResult{TTA: r.TTA, Measured: r.Measured, Unknown: r.Unknown, Missing: r.Missing, Skipped: r.Skipped, LeftOut: r.LeftOut})
	return b.String()
}

// writeMultiLabelClasses writes a line for each class, of many those with the lowest average precision.
func writeMultiLabelClasses(b *strings.Builder, r classify.MultiLabelResult, all bool) {
	list, title := slices.Clone(r.Classes), "class"
	if len(list) > shownClasses && !all {
		slices.SortStableFunc(list, func(a, b classify.MultiLabelClass) int { return cmp.Compare(sortedAP(a), sortedAP(b)) })
		title, list = fmt.Sprintf("class (the %d with the lowest AP of %d)", shownClasses, len(list)), list[:shownClasses]
	}
	width := max(len("micro average"), len(title))
	for _, c := range list {
		width = max(width, min(textWidth(data.ShowName(c.Class)), 40))
	}
	row := func(name, ap string, s metrics.ClassScore, threshold string) {
		fmt.Fprintf(b, "%s %9s %9.2f %% %7.2f %% %7.2f %% %9s %7d\n", padded(name, width), ap, 100*s.Precision, 100*s.Recall, 100*s.F1, threshold, s.Support)
	}
	fmt.Fprintf(b, "\n%s %9s %11s %9s %9s %9s %7s\n", padded(title, width), "AP", "precision", "recall", "F1", "threshold", "images")
	for _, c := range list {
		ap := "-"
		if c.AP != nil {
			ap = fmt.Sprintf("%.2f %%", 100**c.AP)
		}
		row(data.ShowName(c.Class), ap, c.ClassScore, fmt.Sprintf("%.3f", c.Threshold))
	}
	row("macro average", fmt.Sprintf("%.2f %%", 100*r.MAP), r.Macro, "")
	row("micro average", "", r.Micro, "")
}

// sortedAP is the average precision of a class, of one without images above all others.
func sortedAP(c classify.MultiLabelClass) float64 {
	if c.AP == nil {
		return math.Inf(1)
	}
	return *c.AP
}
