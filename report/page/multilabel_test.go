package page

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/metrics"
)

// multiLabelSample is a run whose images have any number of classes. The last class has no image.
func multiLabelSample(t testing.TB, classes, epochs int) Data {
	d := sample(t, classes, epochs)
	m := metrics.MultiLabel{Classes: classes}
	var paths []string
	for i := range 4 * classes {
		paths = append(paths, fmt.Sprintf("val/%d.jpg", i))
		for c := range classes {
			is := (i%classes == c || i%5 == 0 && c == 0) && c < classes-1
			m.Labels = append(m.Labels, is)
			m.Scores = append(m.Scores, float32(map[bool]int{true: 1, false: -3}[is])+4*float32(math.Sin(float64(7*i+3*c*c))))
		}
	}
	thresholds := make([]float64, classes)
	for i := range thresholds {
		thresholds[i] = 0.5
	}
	p := metrics.NewMultiLabelPredictions(m, d.Classes, paths, thresholds)
	d.Predictions, d.Worst, d.Unsure, d.MultiLabel = nil, nil, nil, &p
	d.History.Start.MultiLabel = true
	for i := range d.History.Epochs {
		d.History.Epochs[i].ValMAP, d.History.Epochs[i].ValTop1 = 0.3, 0.2
	}
	best := &d.History.Epochs[epochs-1]
	best.ValMAP, best.ValTop1, best.ValTop5 = metrics.MeanDefined(m.AveragePrecision()), p.Measure().Exact, 0
	for k, i := range ChooseMultiLabel(p) {
		x := MultiLabelExample(p, i)
		if k > 0 {
			x.JPEG = smallJPEG(t)
		}
		d.Worst = append(d.Worst, x)
	}
	return d
}

// multiLabelPages are multi-label runs of every kind.
func multiLabelPages(t testing.TB) map[string]Data {
	missing := multiLabelSample(t, 3, 4)
	missing.MultiLabel, missing.Extra = nil, Extra{}
	averaged := multiLabelSample(t, 3, 3)
	for i := range averaged.History.Epochs {
		e := &averaged.History.Epochs[i]
		e.Averaged, e.EMAValMAP, e.EMAValTop1, e.EMAValLoss = true, e.ValMAP+0.01, 0.1, e.ValLoss
	}
	perfect := multiLabelSample(t, 3, 3)
	perfect.MultiLabel.Predicted, perfect.Worst = perfect.MultiLabel.Labels, nil
	for i, is := range perfect.MultiLabel.Labels {
		perfect.MultiLabel.Scores[i] = map[bool]float32{true: 1, false: -1}[is]
	}
	own := multiLabelSample(t, 3, 3)
	own.MultiLabel.Predicted = make([]bool, len(own.MultiLabel.Predicted))
	started := multiLabelSample(t, 3, 1)
	started.MultiLabel, started.Extra, started.History.Epochs = nil, Extra{}, nil
	return map[string]Data{"multi-label": multiLabelSample(t, 20, 4), "multi-label, no predictions": missing, "multi-label, average": averaged, "multi-label, no mistakes": perfect,
		"multi-label, own thresholds": own, "multi-label, started": started, "multi-label, 400 classes": multiLabelSample(t, 400, 2)}
}

// TestMultiLabelNumbers: the numbers of the page are those of package metrics, which train eval prints.
func TestMultiLabelNumbers(t *testing.T) {
	for _, classes := range []int{3, 20} {
		d := multiLabelSample(t, classes, 5)
		list := parse(t, render(t, d))
		p := d.MultiLabel
		s, ap, best := p.Measure(), p.AveragePrecision(), p.BestThresholds()
		atBest := p.At(best)
		tiles := tilesOf(list)
		for name, want := range map[string]float64{"Best validation mAP": metrics.MeanDefined(ap), "Exact match": s.Exact, "Macro F1": s.Macro.F1, "Micro F1": s.Micro.F1, "Validation loss": d.History.Best().ValLoss, "Training exact match": 0.5} {
			if got, err := strconv.ParseFloat(tiles[name], 64); err != nil || got != want {
				t.Errorf("%d classes: %s is %q, want %v", classes, name, tiles[name], want)
			}
		}
		cells := within(list, "class-table", "td")
		if len(cells) != 7*(classes+2) {
			t.Fatalf("%d cells of %d classes and two averages", len(cells), classes)
		}
		for i := range classes {
			row, c := cells[7*i:7*i+7], s.Classes[i]
			want := []string{fmt.Sprint(c.Support), measure(ap[i]), measure(c.Precision), measure(c.Recall), measure(c.F1), decimal(best[i]), measure(atBest.Classes[i].F1)}
			if i == classes-1 {
				want[1], want[5], want[6] = "", "", "" // no image
			}
			for k := range want {
				if row[k].text != want[k] {
					t.Errorf("class %d, column %d: %q, want %q", i, k, row[k].text, want[k])
				}
			}
		}
	}
}

// tilesOf are the exact key figures by their names.
func tilesOf(list []element) map[string]string {
	tiles, name := map[string]string{}, ""
	for _, e := range list {
		if e.name == "dt" {
			name = e.text
		} else if e.attributes["class"] == "figure" {
			tiles[name] = e.attributes["data-value"]
		}
	}
	return tiles
}

// TestMultiLabelTexts: names of the measures, and no part that is for one class an image.
func TestMultiLabelTexts(t *testing.T) {
	all := multiLabelPages(t)
	for name, want := range map[string][]string{
		"multi-label":                 {"validation mAP", "there is no confusion matrix", "at a probability of 0.5", "binary cross entropy", "wrongly <span", "missed <span", "validation image with class"},
		"multi-label, no predictions": {"The folder has no predictions.csv", "--predictions writes it"},
		"multi-label, average":        {"mAP, average", "are of other weights", ">mAP and exact matches"},
		"multi-label, no mistakes":    {"Every validation image has exactly the right classes."},
		"multi-label, own thresholds": {"at the thresholds of the weights"},
		"multi-label, started":        {"The first epoch is not complete. The classes and the images follow"},
		"multi-label, 400 classes":    {"Show classes with"},
	} {
		page := render(t, all[name])
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %q", name, text)
			}
		}
		for _, text := range []string{"top-1", "Top-5", "Least certain", "Calibration", ">Confusion"} {
			if strings.Contains(page, text) {
				t.Errorf("%s: the page has %q", name, text)
			}
		}
	}
}

// TestGatherMultiLabel: the file of predictions is read in the form of the run's data; another form is a problem.
func TestGatherMultiLabel(t *testing.T) {
	dir, want := t.TempDir(), multiLabelSample(t, 3, 2)
	var file bytes.Buffer
	if err := want.MultiLabel.Write(&file); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("config.yaml", []byte("data: x\n"))
	write(PredictionsFile, file.Bytes())
	if err := WriteExtra(dir, 0o600, want.Extra); err != nil {
		t.Fatal(err)
	}
	d := Gather(dir, want.History)
	if len(d.Problems) > 0 || d.MultiLabel == nil || !reflect.DeepEqual(d.MultiLabel.Paths, want.MultiLabel.Paths) || !reflect.DeepEqual(d.Extra, want.Extra) {
		t.Errorf("problems %q, %+v", d.Problems, d.Extra)
	}
	write(PredictionsFile, []byte("image,class,predicted,correct,confidence,rank,loss\n"))
	if d := Gather(dir, want.History); len(d.Problems) != 1 || !strings.Contains(d.Problems[0], "multi-label") || d.MultiLabel != nil {
		t.Errorf("problems %q", d.Problems)
	}
}

// TestOverlayOfKinds: runs of one kind have its measure; of both kinds, each has charts of its own and a text says so.
func TestOverlayOfKinds(t *testing.T) {
	single, multi := sample(t, 3, 4), multiLabelSample(t, 3, 4)
	single.Dir, multi.Dir = "runs/single", "runs/multi"
	for name, c := range map[string]struct {
		runs   []Data
		charts int
		want   []string
		not    []string
	}{
		"multi-label": {[]Data{multi, multi}, 8, []string{"best mAP", "Validation mAP", "Validation exact match"}, []string{"top-1", "cannot be compared"}},
		"both":        {[]Data{single, multi}, 12, []string{"best top-1 or mAP", "cannot be compared", "Validation loss, multi-label", "Validation top-1", ">mAP " + measure(multi.History.Best().ValMAP)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var page bytes.Buffer
			if err := WriteOverlay(&page, c.runs, nil); err != nil {
				t.Fatal(err)
			}
			parse(t, page.String())
			if n := strings.Count(page.String(), "<svg"); n != c.charts {
				t.Errorf("%d charts, want %d", n, c.charts)
			}
			for _, text := range c.want {
				if !strings.Contains(page.String(), text) {
					t.Errorf("the page lacks %q", text)
				}
			}
			for _, text := range c.not {
				if strings.Contains(page.String(), text) {
					t.Errorf("the page has %q", text)
				}
			}
		})
	}
}

// TestBestOfAverages: as in training, an average's result counts where it is not worse by the measure of the data.
func TestBestOfAverages(t *testing.T) {
	d := multiLabelSample(t, 3, 2)
	e := &d.History.Epochs[1]
	e.Averaged, e.EMAValMAP, e.EMAValTop1 = true, e.ValMAP-0.1, 1
	if _, r := d.best(); r.MAP != e.ValMAP {
		t.Errorf("mAP %v: that of an average with a lower one", r.MAP)
	}
	e.SWAEpochs, e.SWAValMAP, e.SWAValLoss = 2, e.ValMAP, 7
	if _, r := d.best(); r.Loss != 7 {
		t.Errorf("loss %v, want that of the average of the last epochs", r.Loss)
	}
	e.SWAValLoss = math.NaN()
	if _, r := d.best(); r.Loss != e.ValLoss {
		t.Errorf("loss %v: that of an average that is not finite", r.Loss)
	}
}
