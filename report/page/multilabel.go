package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"depthwise.dev/metrics"
)

// multiLabelView is the part about the classes of multi-label data.
type multiLabelView struct {
	Text     string
	Rows     []multiLabelRow
	Averages []multiLabelRow
}

// multiLabelRow is a row of the table of classes, with exact values for sorting and for tests. Cells without a value are empty.
type multiLabelRow struct {
	Class                 string
	Images                int
	AP, APValue           string
	APWidth               float64
	Scores                classRow
	Threshold, ThresholdV string // with the highest F1
	BestF1, BestF1Value   string
}

// maxInterval bounds images times classes for the interval of the mAP, which a page computes after each epoch: a quarter of a second.
const maxInterval = 1 << 17

// multiLabelSummary holds the measures of the predictions that the page shows.
type multiLabelSummary struct {
	metrics.MultiLabelScores
	ap       []float64
	mAP      float64
	interval *metrics.Interval
}

// measureMultiLabel computes everything that follows from the predictions of multi-label data.
func (v *view) measureMultiLabel(d Data) {
	p := d.MultiLabel
	if p == nil {
		v.ValidationNote = noPredictions(d)
		return
	}
	s := &multiLabelSummary{MultiLabelScores: p.Measure(), ap: p.AveragePrecision()}
	s.mAP = metrics.MeanDefined(s.ap)
	if len(p.Scores) <= maxInterval {
		if interval, ok := p.MAPInterval(); ok {
			s.interval = &interval
		}
	}
	v.multiLabelSummary = s
	if best, r := d.best(); best != nil && math.Abs(r.MAP-s.mAP) > 1e-4 { // another precision changes less
		v.PredictionsNote = fmt.Sprintf("The predictions in %s have a mAP of %.2f %%, and the best epoch %.2f %%: they are of other weights or computed in another precision.", PredictionsFile, 100*s.mAP, 100*r.MAP)
	}
	v.MultiLabel = &multiLabelView{Text: multiLabelText(p, s)}
	best := p.BestThresholds()
	atBest := p.At(best)
	for i, c := range s.Classes {
		row := multiLabelRow{Class: p.Names[i], Images: c.Support, Scores: scoreRow(p.Names[i], c), Threshold: decimal(best[i]), ThresholdV: exact(best[i]),
			BestF1: measure(atBest.Classes[i].F1), BestF1Value: exact(atBest.Classes[i].F1)}
		if !math.IsNaN(s.ap[i]) {
			row.setAP(s.ap[i])
		} else {
			row.Threshold, row.ThresholdV, row.BestF1, row.BestF1Value = "", "", "", ""
		}
		v.MultiLabel.Rows = append(v.MultiLabel.Rows, row)
	}
	macro := multiLabelRow{Class: "macro average", Images: s.Macro.Support, Scores: scoreRow("", s.Macro), BestF1: measure(atBest.Macro.F1), BestF1Value: exact(atBest.Macro.F1)}
	macro.setAP(s.mAP)
	v.MultiLabel.Averages = []multiLabelRow{macro, {Class: "micro average", Images: s.Micro.Support, Scores: scoreRow("", s.Micro), BestF1: measure(atBest.Micro.F1), BestF1Value: exact(atBest.Micro.F1)}}
}

func (r *multiLabelRow) setAP(v float64) {
	r.AP, r.APValue, r.APWidth = measure(v), exact(v), 100*v
}

// multiLabelText counts the exact matches, names the thresholds, and says why there is no confusion matrix.
func multiLabelText(p *metrics.MultiLabelPredictions, s *multiLabelSummary) string {
	thresholds := "a probability of 0.5"
	for i, x := range p.Scores {
		if p.Predicted[i] != (metrics.Sigmoid(x) >= 0.5) {
			thresholds = "the thresholds of the weights"
			break
		}
	}
	right := int(math.Round(s.Exact * float64(p.Images())))
	return fmt.Sprintf("%d of %d validation images have exactly the right classes at %s. An image may have any number of classes, so a wrong class does not replace a certain right one: there is no confusion matrix.",
		right, p.Images(), thresholds)
}

// multiLabelTiles are the key figures of the best epoch.
func (v *view) multiLabelTiles(d Data) {
	s := v.multiLabelSummary
	if best, r := d.best(); best != nil {
		note := fmt.Sprintf("epoch %d", best.Epoch)
		if s != nil && s.interval != nil && v.PredictionsNote == "" {
			note += fmt.Sprintf("; 95\u00a0%% interval %.2f to %.2f", 100*s.interval.Low, 100*s.interval.High)
		}
		v.add("Best validation mAP", measure(r.MAP), note, r.MAP)
		v.add("Exact match", measure(r.Top1), "all classes right at 0.5, same epoch", r.Top1)
		v.add("Validation loss", decimal(r.Loss), "mean over classes, same epoch", r.Loss)
	}
	if s != nil {
		v.add("Macro F1", measure(s.Macro.F1), "mean of the classes", s.Macro.F1)
		v.add("Micro F1", measure(s.Micro.F1), "of all decisions", s.Micro.F1)
	}
}

// ChooseMultiLabel returns the indices of the images that a page shows: those with a wrong class and the greatest loss.
func ChooseMultiLabel(p metrics.MultiLabelPredictions) []int {
	var worst []int
	loss := make([]float64, len(p.Paths))
	for i := range p.Paths {
		first, end := i*p.Classes, (i+1)*p.Classes
		if loss[i] = p.Loss(i); !slices.Equal(p.Labels[first:end], p.Predicted[first:end]) {
			worst = append(worst, i)
		}
	}
	slices.SortStableFunc(worst, func(a, b int) int { return cmp.Compare(loss[b], loss[a]) })
	return worst[:min(Examples, len(worst))]
}

// MultiLabelExample describes an image with its classes, those that were missed and those that were predicted wrongly.
func MultiLabelExample(p metrics.MultiLabelPredictions, image int) Example {
	e := Example{Image: p.Paths[image], MultiLabel: &Labels{All: p.Of(image, p.Labels)}}
	for class, name := range p.Names {
		switch is, says := p.Labels[image*p.Classes+class], p.Predicted[image*p.Classes+class]; {
		case is && !says:
			e.MultiLabel.Missed = append(e.MultiLabel.Missed, name)
		case says && !is:
			e.MultiLabel.Wrong = append(e.MultiLabel.Wrong, name)
		}
	}
	return e
}

// labelsView is the caption of an image with several classes.
type labelsView struct{ All, Missed, Wrong string }

func labelsViewOf(l *Labels) *labelsView {
	v := &labelsView{strings.Join(l.All, ", "), strings.Join(l.Missed, ", "), strings.Join(l.Wrong, ", ")}
	if len(l.All) == 0 {
		v.All = "no class"
	}
	return v
}

// alt describes the image for those who do not see it.
func (v *labelsView) alt() string {
	text := "validation image with " + v.All
	if v.Missed != "" {
		text += ", missed: " + v.Missed
	}
	if v.Wrong != "" {
		text += ", wrongly predicted: " + v.Wrong
	}
	return text
}
