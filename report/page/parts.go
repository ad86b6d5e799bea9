package page

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"depthwise.dev/models"
	"depthwise.dev/report/charts"
)

// exampleView is a validation image with its prediction.
type exampleView struct {
	Source           template.URL // "": the image could not be read
	Class, Predicted string
	Confidence       string
	Path             string
	Correct          bool
	Alt              string
	MultiLabel       *labelsView
}

func (v *view) examples(d Data) {
	v.Worst, v.Unsure = exampleViews(d.Worst), exampleViews(d.Unsure)
	if len(v.Worst) == 0 && len(v.Unsure) > 0 {
		v.NoWorst = "No validation image is classified wrongly."
	}
	if s := v.multiLabelSummary; s != nil && s.Exact == 1 {
		v.NoWorst = "Every validation image has exactly the right classes."
	}
}

func exampleViews(list []Example) []exampleView {
	var views []exampleView
	for _, e := range list {
		x := exampleView{Class: e.Class, Predicted: e.Predicted, Confidence: percent(e.Confidence), Path: e.Image, Correct: e.Class == e.Predicted,
			Alt: fmt.Sprintf("validation image of class %s, predicted as %s", e.Class, e.Predicted)}
		if e.MultiLabel != nil {
			x.MultiLabel = labelsViewOf(e.MultiLabel)
			x.Alt = x.MultiLabel.alt()
		}
		if len(e.JPEG) > 0 {
			x.Source = jpegURL(e.JPEG)
		}
		views = append(views, x)
	}
	return views
}

func jpegURL(file []byte) template.URL {
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(file)) //nolint:gosec // base64
}

// pictureView is the picture of a training batch.
type pictureView struct {
	Source        template.URL
	Width, Height int
	About         string
}

func pictureOf(p *Picture) *pictureView {
	if p == nil || len(p.JPEG) == 0 {
		return nil
	}
	return &pictureView{jpegURL(p.JPEG), p.Width, p.Height, p.About}
}

// layersView is the part about the state of the layers.
type layersView struct {
	Epoch  int
	Charts []template.HTML
	Rows   []layerRow
}

type layerRow struct {
	Number                              int
	Name                                string
	Norm, Gradient, Update, Std, Dead   string
	NormV, GradientV, UpdateV, StdV, DV string
}

func layersOf(l *Layers) (*layersView, error) {
	if l == nil || len(l.List) == 0 {
		return nil, nil
	}
	v := &layersView{Epoch: l.Epoch}
	norm, gradient := charts.LineSeries{Name: "weights", Color: charts.OwnColor}, charts.LineSeries{Name: "gradients", Color: charts.OwnColor}
	update, dead := charts.LineSeries{Name: "update / weights", Color: charts.OwnColor}, charts.LineSeries{Name: "dead channels", Color: charts.OwnColor}
	deviation := charts.LineSeries{Name: "deviation", Color: charts.OwnColor}
	for i, x := range l.List {
		at := float64(i + 1)
		norm.X, norm.Y = append(norm.X, at), append(norm.Y, x.Norm)
		gradient.X, gradient.Y = append(gradient.X, at), append(gradient.Y, x.Gradient)
		update.X, update.Y = append(update.X, at), append(update.Y, x.Update)
		dead.X, dead.Y = append(dead.X, at), append(dead.Y, x.Dead)
		deviation.X, deviation.Y = append(deviation.X, at), append(deviation.Y, x.Std)
		v.Rows = append(v.Rows, rowOf(i+1, x))
	}
	layerAxis := charts.Axis{Label: "layer, from the input to the output", Whole: true}
	for _, c := range []charts.Lines{
		{Title: "Norms of weights and gradients", X: layerAxis, Y: charts.Axis{Label: "L2 norm", Log: true}, Series: []charts.LineSeries{norm, gradient}},
		{Title: "Update-to-weight ratio", X: layerAxis, Y: charts.Axis{Label: "of the last step; 0.001 is typical", Log: true}, Series: []charts.LineSeries{update},
			Empty: "not measured in this epoch"},
		{Title: "Standard deviation of outputs", X: layerAxis, Y: charts.Axis{Label: "before batch norm", Log: true}, Series: []charts.LineSeries{deviation},
			Empty: "the network has no batch norm"},
		{Title: "Dead channels", X: layerAxis, Y: charts.Axis{Label: "fraction of the channels", Percent: true, Zero: true, Max: 0.05}, Series: []charts.LineSeries{dead}},
	} {
		svg, err := inline(c)
		if err != nil {
			return nil, err
		}
		v.Charts = append(v.Charts, svg)
	}
	return v, nil
}

func rowOf(number int, x Layer) layerRow {
	r := layerRow{Number: number, Name: x.Name, Norm: short(x.Norm), Gradient: short(x.Gradient), Update: short(x.Update), Std: short(x.Std), Dead: percent(x.Dead),
		NormV: exact(x.Norm), GradientV: exact(x.Gradient), UpdateV: exact(x.Update), StdV: exact(x.Std), DV: exact(x.Dead)}
	if x.Frozen {
		r.Gradient, r.Update = "frozen", "frozen"
	}
	if x.Std == 0 {
		r.Std = "–"
	}
	return r
}

// networkView is the summary of the network.
type networkView struct {
	Model, Totals string
	Rows          []networkRow
}

type networkRow struct {
	Layer, Kind, Output string
	Params, MAdds       string
}

func networkOf(s *models.Summary) *networkView {
	if s == nil {
		return nil
	}
	v := &networkView{Model: s.Model, Totals: s.Totals()}
	for _, r := range s.Rows {
		v.Rows = append(v.Rows, networkRow{r.Name, r.Type, sizes(r.Output), thousands(r.Params), thousands(r.MultiplyAdds)})
	}
	return v
}

// thousands writes a count with separators.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// sizes writes a shape: 112 × 112 × 32.
func sizes(shape []int) string {
	var texts []string
	for _, n := range shape {
		texts = append(texts, fmt.Sprint(n))
	}
	return strings.Join(texts, " × ")
}
