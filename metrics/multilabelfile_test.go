package metrics

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// threeImages are images of classes whose names contain the separator, one of them beginning with another.
func threeImages() MultiLabelPredictions {
	m := MultiLabel{Classes: 3, Scores: []float32{2.5, -1, 0.25, -3, 29, -80, 0, 1e-3, -1e-3}, Labels: []bool{true, false, true, false, false, false, true, true, false}}
	return NewMultiLabelPredictions(m, []string{"a", "a|b", "c, \"d\""}, []string{"x.jpg", "y,z.jpg", "w\n.jpg"}, []float64{0.5, 0.9, 0.5})
}

// TestMultiLabelFile: what is written is read back, with the same logits.
func TestMultiLabelFile(t *testing.T) {
	want := threeImages()
	if !reflect.DeepEqual(want.Predicted, []bool{true, false, true, false, true, false, true, false, false}) {
		t.Fatalf("predicted %v", want.Predicted)
	}
	var b bytes.Buffer
	if err := want.Write(&b); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.HasPrefix(text, "image,labels,predicted,a,a|b,\"c, \"\"d\"\"\"\nx.jpg,\"a|c, \"\"d\"\"\"") {
		t.Errorf("%s", text)
	}
	got, err := ReadMultiLabelPredictions(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got.Scores { // 29 is the logit of 1 - 2.5e-13, which float64 has to four digits
		near(t, "logit", float64(x), float64(want.Scores[i]), 1e-3)
	}
	got.Scores = want.Scores
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := want.Of(2, want.Labels); !reflect.DeepEqual(got, []string{"a", "a|b"}) {
		t.Errorf("labels %q", got)
	}
}

// TestMultiLabelFileHasTheMeasures: they are those of the logits that scikit-learn's measures are compared with.
func TestMultiLabelFileHasTheMeasures(t *testing.T) {
	for _, g := range multiLabelGoldens(t) {
		m := MultiLabel{Classes: g.Classes, Scores: g.Scores, Labels: g.Labels}
		names := strings.Split(strings.Repeat("x", g.Classes), "")
		for i := range names {
			names[i] = strings.Repeat("x", i+1)
		}
		p := NewMultiLabelPredictions(m, names, make([]string, m.Images()), g.Thresholds)
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := ReadMultiLabelPredictions(&b)
		if err != nil {
			t.Fatal(err)
		}
		near(t, g.Name+": mAP", MeanDefined(got.AveragePrecision()), g.MAP, 1e-12)
		if s, want := got.Measure(), m.At(g.Thresholds); !reflect.DeepEqual(s, want) {
			t.Errorf("%s: %+v, want %+v", g.Name, s, want)
		}
	}
}

// TestMultiLabelFileErrors: files of other kinds are refused with their line.
func TestMultiLabelFileErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "EOF"},
		"one class each":    {"image,class,predicted,correct,confidence,rank,loss\n", "one for each class"},
		"no classes":        {"image,labels,predicted\n", "one for each class"},
		"an unknown class":  {"image,labels,predicted,a\nx,a,,1\ny,b,,1\n", `line 3: "b" names a class that has no column`},
		"half a class":      {"image,labels,predicted,a\nx,aa,,0.5\n", "line 2"},
		"not a number":      {"image,labels,predicted,a\nx,a,,high\n", "line 2"},
		"not a probability": {"image,labels,predicted,a\nx,a,,1.5\n", "line 2: 1.5 is not a probability"},
		"a missing cell":    {"image,labels,predicted,a\nx,a\n", "line 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadMultiLabelPredictions(strings.NewReader(c.text))
			if !errors.Is(err, ErrPredictions) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestMultiLabelLoss: by hand.
func TestMultiLabelLoss(t *testing.T) {
	m := MultiLabel{Classes: 2, Scores: []float32{0, 0, 100, -100}, Labels: []bool{true, false, false, false}}
	near(t, "unsure", m.Loss(0), math.Ln2, 1e-15)
	near(t, "certain and wrong", m.Loss(1), 50, 1e-12)
}

func FuzzReadMultiLabelPredictions(f *testing.F) {
	var b bytes.Buffer
	if err := threeImages().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add("image,labels,predicted,,|\nx,||,,NaN,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadMultiLabelPredictions(strings.NewReader(text))
		if err != nil {
			return
		}
		if n := len(p.Paths) * p.Classes; len(p.Scores) != n || len(p.Labels) != n || len(p.Predicted) != n {
			t.Fatalf("%d images of %d classes have %d scores", len(p.Paths), p.Classes, len(p.Scores))
		}
		p.Measure()
		p.AveragePrecision()
		p.BestThresholds()
	})
}
