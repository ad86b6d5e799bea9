package page

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"depthwise.dev/metrics"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

// smallJPEG is a picture.
func smallJPEG(t testing.TB) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a run with everything: classes whose names need escapes, epochs with a weight average, notes, skipped images.
func sample(t testing.TB, classes, epochs int) Data {
	h := &history.History{}
	h.Add(report.Start{Run: "runs/a", Images: 600, ValImages: 4 * classes, Epochs: epochs, Batches: 2, Steps: int64(2 * epochs), Description: "mobilenet_v1 <paper>\ncpu"})
	for e := 1; e <= epochs; e++ {
		for b := 1; b <= 2; b++ {
			h.Add(report.Step{Step: int64(2*e + b - 2), Epoch: e, Batch: b, Batches: 2, Loss: 3 / float64(e), LR: 0.1 / float64(e), Top1: 0.5, Images: 8, ImagesPerSecond: 100 + float64(b), GradNorm: 2})
		}
		h.Add(report.Epoch{Epoch: e, Epochs: epochs, Step: int64(2 * e), TrainLoss: 3 / float64(e), TrainTop1: 0.5, ValLoss: 2.5, ValTop1: 0.7, ValTop5: 1, LR: 0.1, ImagesPerSecond: 101, Seconds: 2,
			DataWaitShare: 0.01, ValImages: 4 * classes, Best: e == epochs})
	}
	h.Add(report.Note{Level: report.Warning, Text: "a <b> warning & more"})
	h.Add(report.Skip{Path: "broken.jpg", Reason: "not an image"})
	h.Add(report.Done{Step: int64(2 * epochs), Status: report.Finished})
	d := Data{Dir: "runs/a&b", State: "finished", History: h, Settings: "data: x\n", Machine: []string{"go1.26"}, Commands: []string{"train eval --weights runs/a --data 'my photos'"}}
	for c := range classes {
		d.Classes = append(d.Classes, fmt.Sprintf("class <%d>", c))
	}
	for i := range 4 * classes {
		p := metrics.Prediction{Image: fmt.Sprintf("val/%d.jpg", i), Class: d.Classes[i%classes], Predicted: d.Classes[i%classes], Rank: 1, Confidence: float64(60+4*(i%10)) / 100, Loss: 0.1}
		if i%4 == 3 {
			p.Predicted, p.Rank, p.Loss = d.Classes[(i*5+1)%classes], 2+i%5, 1+float64(i)/100
			if p.Predicted == p.Class {
				p.Predicted = d.Classes[(i*5+2)%classes]
			}
		}
		d.Predictions = append(d.Predictions, p)
	}
	s := metrics.Summarize(d.Classes, d.Predictions)
	best := &h.Epochs[epochs-1]
	best.ValTop1, best.ValTop5, best.ValLoss = s.Top1, s.Top5, s.Loss
	worst, unsure := Choose(d.Predictions)
	example := func(list []int) (examples []Example) {
		for k, i := range list {
			p := d.Predictions[i]
			x := Example{Image: p.Image, Class: p.Class, Predicted: p.Predicted, Confidence: p.Confidence}
			if k > 0 {
				x.JPEG = smallJPEG(t)
			}
			examples = append(examples, x)
		}
		return examples
	}
	d.Worst, d.Unsure = example(worst), example(unsure)
	d.Batch = &Picture{Width: 8, Height: 8, JPEG: smallJPEG(t), About: "a training batch of <x>"}
	d.Layers = &Layers{Epoch: epochs, List: []Layer{{Name: "conv_stem", Norm: 5, Gradient: 0.1, Update: 1e-3, Std: 0.5, Dead: 0.25}, {Name: "frozen", Norm: 1, Frozen: true}}}
	m, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	m.Classes = classes
	g, err := m.Graph()
	if err != nil {
		t.Fatal(err)
	}
	network := g.Summary()
	d.Network = &network
	return d
}

func render(t testing.TB, d Data) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// element is an element of a page with its text and its place.
type element struct {
	name       string
	attributes map[string]string
	text       string
	parents    []int
}

// parse parses a page and fails the test if it is not well-formed.
func parse(t *testing.T, page string) []element {
	t.Helper()
	start, end := strings.LastIndex(page, "<script>"), strings.LastIndex(page, "</script>")
	page = page[:start] + page[end+len("</script>"):] // the script has operators that XML does not allow
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var list []element
	var open []int
	var texts []*strings.Builder // of the elements
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: map[string]string{}, parents: append([]int{}, open...)}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			open, list, texts = append(open, len(list)), append(list, e), append(texts, &strings.Builder{})
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				texts[i].Write(token)
			}
		}
	}
	if len(open) > 0 {
		t.Fatalf("%d elements are open at the end", len(open))
	}
	for i := range list {
		list[i].text = texts[i].String()
	}
	return list
}

// within lists the elements of a name in an element with an ID.
func within(list []element, id, name string) (found []element) {
	for _, e := range list {
		if e.name != name {
			continue
		}
		for _, p := range e.parents {
			if list[p].attributes["id"] == id {
				found = append(found, e)
				break
			}
		}
	}
	return found
}

// pages are runs of every kind.
func pages(t testing.TB) map[string]Data {
	empty := Data{Dir: "runs/new", State: "running", History: &history.History{}}
	started := sample(t, 3, 1)
	started.History = &history.History{}
	started.History.Add(report.Start{Images: 10, ValImages: 4, Epochs: 2, Steps: 9})
	started.Predictions, started.Extra = nil, Extra{}
	noVal := sample(t, 3, 4)
	noVal.Predictions, noVal.Extra, noVal.History.Start.ValImages = nil, Extra{}, 0
	for i := range noVal.History.Epochs {
		noVal.History.Epochs[i].ValImages, noVal.History.Epochs[i].Best = 0, false
	}
	missing := sample(t, 3, 4)
	missing.Predictions, missing.Problems = nil, []string{"page: predictions.csv: <damaged>"}
	failed := sample(t, 3, 2)
	failed.State = "failed"
	failed.History.Add(report.Done{Status: report.Failed, Error: "the loss is NaN: <b>"})
	averaged := sample(t, 3, 3)
	for i := range averaged.History.Epochs {
		e := &averaged.History.Epochs[i]
		e.Averaged, e.EMAValTop1, e.EMAValTop5, e.EMAValLoss = true, e.ValTop1+0.2, e.ValTop5, e.ValLoss
	}
	nan := sample(t, 3, 3)
	nan.History.Epochs[1].ValLoss, nan.Predictions[0].Confidence, nan.Predictions[0].Loss = math.NaN(), math.NaN(), math.Inf(1)
	perfect := sample(t, 3, 3)
	for i := range perfect.Predictions {
		perfect.Predictions[i].Predicted, perfect.Predictions[i].Rank = perfect.Predictions[i].Class, 1
	}
	perfect.Worst = nil
	return map[string]Data{"empty": empty, "started": started, "one epoch": sample(t, 3, 1), "no validation": noVal, "no predictions": missing, "failed": failed, "average": averaged, "not finite": nan,
		"no mistakes": perfect, "20 classes": sample(t, 20, 12), "1000 classes": sample(t, 1000, 90)}
}

// TestStructure: what browsers, screen readers and readers without a network need.
func TestStructure(t *testing.T) {
	all := pages(t)
	maps.Copy(all, multiLabelPages(t))
	for name, d := range all {
		t.Run(name, func(t *testing.T) {
			page := render(t, d)
			list := parse(t, page)
			ids := map[string]int{}
			for _, e := range list {
				if id := e.attributes["id"]; id != "" {
					ids[id]++
				}
			}
			for id, n := range ids {
				if n > 1 {
					t.Errorf("the ID %q occurs %d times", id, n)
				}
			}
			headings := 0
			for _, e := range list {
				checkElement(t, e, ids)
				if e.name == "h1" {
					headings++
				}
				if e.name == "table" && len(within(list, e.attributes["id"], "caption")) == 0 && e.attributes["id"] != "" {
					t.Errorf("the table %q has no caption", e.attributes["id"])
				}
			}
			if headings != 1 {
				t.Errorf("%d headings of the first level", headings)
			}
			for _, foreign := range []string{"http://", "https://", "@import", "url(", "ZgotmplZ", "&lt;svg", "<b> warning"} {
				if strings.Contains(page, foreign) {
					t.Errorf("the page contains %s", foreign)
				}
			}
			if limit := 3_000_000; len(page) > limit {
				t.Errorf("%d bytes", len(page))
			}
		})
	}
}

func checkElement(t *testing.T, e element, ids map[string]int) {
	t.Helper()
	switch e.name {
	case "img":
		if e.attributes["alt"] == "" {
			t.Errorf("an image without a text: %v", e.attributes["title"])
		}
		if !strings.HasPrefix(e.attributes["src"], "data:image/jpeg;base64,") {
			t.Errorf("an image from %.40q", e.attributes["src"])
		}
	case "svg":
		if e.attributes["role"] != "img" || len(e.attributes["aria-label"]) < 10 {
			t.Errorf("a chart without a description: %v", e.attributes)
		}
	case "a":
		if target, ok := strings.CutPrefix(e.attributes["href"], "#"); !ok || ids[target] != 1 {
			t.Errorf("a link to %q", e.attributes["href"])
		}
	case "section":
		if ids[e.attributes["aria-labelledby"]] != 1 {
			t.Errorf("a section without a heading: %v", e.attributes)
		}
	case "th":
		if e.attributes["scope"] == "" {
			t.Errorf("a heading without a scope: %q", e.text)
		}
	case "input":
		if ids[e.attributes["data-filter"]] != 1 {
			t.Errorf("a filter of %q", e.attributes["data-filter"])
		}
	}
}

// TestNumbers: the numbers of the page are those of package metrics, which train eval prints.
func TestNumbers(t *testing.T) {
	for _, classes := range []int{3, 20, 1000} {
		d := sample(t, classes, 5)
		list := parse(t, render(t, d))
		s := metrics.Summarize(d.Classes, d.Predictions)
		tiles := tilesOf(list)
		for name, want := range map[string]float64{"Best validation top-1": s.Top1, "Top-5": s.Top5, "Validation loss": s.Loss, "Balanced accuracy": s.BalancedAccuracy, "Calibration error": s.ECE} {
			if got, err := strconv.ParseFloat(tiles[name], 64); err != nil || got != want {
				t.Errorf("%d classes: %s is %q, want %v", classes, name, tiles[name], want)
			}
		}
		cells := within(list, "class-table", "td")
		rows := append(append([]metrics.ClassScore{}, s.Scores...), s.Average.Macro, s.Average.Weighted)
		if len(cells) != 5*len(rows) {
			t.Fatalf("%d cells of %d classes and the averages", len(cells), classes)
		}
		for i, want := range rows {
			row := cells[5*i:]
			if row[0].text != fmt.Sprint(want.Support) {
				t.Errorf("class %d has %s images, want %d", i, row[0].text, want.Support)
			}
			for k, v := range []float64{want.Precision, want.Recall, want.F1} {
				if got := row[1+k]; got.attributes["data-value"] != exact(v) || got.text != fmt.Sprintf("%.2f\u00a0%%", 100*v) {
					t.Errorf("class %d, column %d: %q, %q, want %v", i, k, got.attributes["data-value"], got.text, v)
				}
			}
		}
		for i, m := range s.Confusion.Mistakes()[:3] {
			row := within(list, "mistake-table", "td")[3*i:]
			if row[0].text != s.Classes[m.Predicted] || row[1].text != fmt.Sprint(m.Images) {
				t.Errorf("mistake %d is %s, %s, want %+v", i, row[0].text, row[1].text, m)
			}
		}
	}
}

// TestTexts: what pages of runs that lack something say.
func TestTexts(t *testing.T) {
	all := pages(t)
	for name, want := range map[string][]string{
		"empty":          {"The first epoch is not complete", "running"},
		"started":        {"The first epoch is not complete", "4 validation images"},
		"one epoch":      {"Confusion matrix", "epoch 1 of 1"},
		"no validation":  {"no validation images"},
		"no predictions": {"page: predictions.csv: &lt;damaged&gt;", "see the problems below"},
		"failed":         {"the loss is NaN: &lt;b&gt;", "The run failed"},
		"average":        {"validation, average", "are of other weights"},
		"no mistakes":    {"There are no mistakes.", "No validation image is classified wrongly."},
		"20 classes":     {"class &lt;0&gt;", "image not available", "broken.jpg: not an image", "Warning: a &lt;b&gt; warning", "frozen"},
		"1000 classes":   {"Show classes with", "<image "},
	} {
		page := render(t, all[name])
		for _, text := range want {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the page lacks %q", name, text)
			}
		}
	}
}

// TestControls: what was done on request is in the list and, a change of the learning rate, in its chart.
func TestControls(t *testing.T) {
	h := &history.History{}
	for i := range 10 {
		h.Add(report.Step{Step: int64(i + 1), Epoch: 1, Batch: i + 1, Batches: 10, LR: 0.1})
		if i == 4 {
			h.Add(report.Control{Step: 5, Action: report.ControlPause})
			h.Add(report.Control{Step: 5, Action: report.ControlLR, LRFactor: 0.5, LR: 0.05, LRBefore: 0.1})
			h.Add(report.Control{Step: 5, Action: report.ControlLR, LRFactor: 0.25, LR: 0.025, LRBefore: 0.05})
		}
	}
	text := render(t, Data{Dir: "runs/a", State: "paused", History: h})
	for _, want := range []string{"Changes on request (3)", "step 5: paused on request", "step 5: learning rate changed on request from 0.05 to 0.025", ">times 0.25<", `class="state paused"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, `id="controls"`) || strings.Contains(text, ">times 0.5<") {
		t.Error("a file has buttons, or a change between the same steps has a mark")
	}
}

// TestGolden: a small page as it was looked at.
func TestGolden(t *testing.T) {
	d := sample(t, 3, 2)
	d.Network, d.Worst, d.Unsure = nil, d.Worst[:1], d.Unsure[:1]
	d.Batch = nil // the encoder of another version of Go may write other bytes
	got, path := render(t, d), filepath.Join("testdata", "page.html")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page differs from %s; if that is intended, look at it and run go test ./report/page -update", path)
	}
}

// TestOverlay: a page of several runs has a line and a row for each, and the settings in which they differ.
func TestOverlay(t *testing.T) {
	a, b := sample(t, 3, 4), sample(t, 3, 9)
	a.Dir, b.Dir = "x/run", "y/run"
	var page bytes.Buffer
	if err := WriteOverlay(&page, []Data{a, b}, []Setting{{"lr", []string{"0.1", "<0.2>"}}}); err != nil {
		t.Fatal(err)
	}
	list := parse(t, page.String())
	if rows := within(list, "run-table", "td"); len(rows) != 14 || rows[2].attributes["data-value"] != exact(metrics.Summarize(a.Classes, a.Predictions).Top1) {
		t.Errorf("%d cells", len(rows))
	}
	if n := strings.Count(page.String(), "<svg"); n != 8 {
		t.Errorf("%d charts", n)
	}
	for _, want := range []string{"x/run", "y/run", "&lt;0.2&gt;", "Comparison of 2 runs"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if names := Names([]string{"runs/a", "runs/b", "other/b"}); names[0] != "a" || names[1] != "runs/b" || names[2] != "other/b" {
		t.Errorf("names %q", names)
	}
}

func TestWriteErrors(t *testing.T) {
	if err := Write(failing{}, sample(t, 3, 1)); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v", err)
	}
	if err := WriteExtra(filepath.Join(t.TempDir(), "missing"), 0o644, Extra{}); err == nil {
		t.Error("no error in a missing folder")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
