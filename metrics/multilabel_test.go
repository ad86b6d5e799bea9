package metrics

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// multiLabelGolden is a case of testdata/make_multilabel.py.
type multiLabelGolden struct {
	Name                  string
	Classes               int
	Scores                []float32
	Labels                []bool
	Present               []int // classes with an image
	AP                    []float64
	MAP                   float64
	Thresholds            []float64
	BestF1                []float64 `json:"best_f1"`
	Precision, Recall, F1 []float64
	Support               []int
	MicroF1               float64 `json:"micro_f1"`
	MacroF1               float64 `json:"macro_f1"`
	Exact                 float64
}

func multiLabelGoldens(t *testing.T) []multiLabelGolden {
	t.Helper()
	content, err := os.ReadFile("testdata/multilabel.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []multiLabelGolden
	for line := range bytes.Lines(content) {
		var g multiLabelGolden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	if len(list) != 4 {
		t.Fatalf("%d cases, want 4", len(list))
	}
	return list
}

// TestMultiLabelAgreesWithScikitLearn compares average precision, scores at thresholds and best F1. Both sum in float64.
func TestMultiLabelAgreesWithScikitLearn(t *testing.T) {
	const tolerance = 1e-12
	for _, g := range multiLabelGoldens(t) {
		m := MultiLabel{Classes: g.Classes, Scores: g.Scores, Labels: g.Labels}
		ap := m.AveragePrecision()
		present := map[int]bool{}
		for i, class := range g.Present {
			present[class] = true
			near(t, g.Name+": average precision", ap[class], g.AP[i], tolerance)
		}
		for class, v := range ap {
			if math.IsNaN(v) == present[class] {
				t.Errorf("%s: class %d has average precision %v", g.Name, class, v)
			}
		}
		near(t, g.Name+": mAP", MeanDefined(ap), g.MAP, tolerance)
		at := m.At(g.Thresholds)
		for class, s := range at.Classes {
			near(t, g.Name+": precision", s.Precision, g.Precision[class], tolerance)
			near(t, g.Name+": recall", s.Recall, g.Recall[class], tolerance)
			near(t, g.Name+": F1", s.F1, g.F1[class], tolerance)
			if s.Support != g.Support[class] {
				t.Errorf("%s: class %d has %d images, want %d", g.Name, class, s.Support, g.Support[class])
			}
		}
		near(t, g.Name+": micro F1", at.Micro.F1, g.MicroF1, tolerance)
		near(t, g.Name+": macro F1", at.Macro.F1, g.MacroF1, tolerance)
		near(t, g.Name+": exact matches", at.Exact, g.Exact, tolerance)
		best := m.At(m.BestThresholds())
		for i, class := range g.Present {
			near(t, g.Name+": best F1", best.Classes[class].F1, g.BestF1[i], tolerance)
		}
	}
}

// TestBestThresholds: where they are, by hand.
func TestBestThresholds(t *testing.T) {
	logit := func(p float64) float32 { return float32(math.Log(p / (1 - p))) }
	for _, c := range []struct {
		name   string
		p      []float64
		labels []bool
		want   float64
	}{
		{"between the classes", []float64{0.9, 0.8, 0.4, 0.2}, []bool{true, true, false, false}, 0.6},
		{"all positive", []float64{0.9, 0.5}, []bool{true, true}, 0.25},
		{"no positive", []float64{0.9, 0.5}, []bool{false, false}, 0.5},
		{"the highest of equals", []float64{0.9, 0.7, 0.6, 0.5}, []bool{true, false, false, true}, 0.8}, // F1 2/3, and 2/3 with all
		{"equal probabilities stay together", []float64{0.7, 0.7, 0.3}, []bool{true, false, false}, 0.5},
	} {
		m := MultiLabel{Classes: 1, Labels: c.labels}
		for _, p := range c.p {
			m.Scores = append(m.Scores, logit(p))
		}
		near(t, c.name, m.BestThresholds()[0], c.want, 1e-7) // float32 logits
	}
	saturated := MultiLabel{Classes: 1, Scores: []float32{100, 90, -200}, Labels: []bool{true, true, false}}
	if at := saturated.BestThresholds()[0]; !(at > 0 && at <= 1) || saturated.At([]float64{at}).Exact != 1 {
		t.Errorf("saturated probabilities: threshold %v", at)
	}
}

// TestMultiLabelNaN: scores that are NaN rank last and predict nothing.
func TestMultiLabelNaN(t *testing.T) {
	nan := float32(math.NaN())
	m := MultiLabel{Classes: 1, Scores: []float32{nan, 1, nan}, Labels: []bool{true, true, false}}
	if ap := m.AveragePrecision()[0]; !(ap > 0 && ap <= 1) {
		t.Errorf("average precision %v", ap)
	}
	if s := m.At([]float64{0.5}); s.Classes[0].Recall != 0.5 || s.Exact != 2./3 {
		t.Errorf("%+v", s)
	}
}

// TestMAPInterval: it holds the mAP, is the same each time, and is left out of what would take too long.
func TestMAPInterval(t *testing.T) {
	for _, g := range multiLabelGoldens(t) {
		m := MultiLabel{Classes: g.Classes, Scores: g.Scores, Labels: g.Labels}
		a, ok := m.MAPInterval()
		b, _ := m.MAPInterval()
		if !ok || a != b || !(a.Low <= g.MAP && g.MAP <= a.High && a.Low < a.High) {
			t.Errorf("%s: %v and %v, mAP %v", g.Name, a, b, g.MAP)
		}
	}
	large := MultiLabel{Classes: 1, Scores: make([]float32, maxResampled+1), Labels: make([]bool, maxResampled+1)}
	if _, ok := large.MAPInterval(); ok {
		t.Error("an interval of too many images")
	}
}
