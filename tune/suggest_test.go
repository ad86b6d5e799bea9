package tune

import (
	"encoding/csv"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// swept returns the curve of a range test whose loss is a function of the learning rate.
func swept(r Range, loss func(lr float64) float64) Curve {
	c := Curve{Range: r}
	for i := range r.Steps {
		if c.Add(loss(r.LR(int64(i)))) {
			break
		}
	}
	return c
}

// fallsAndRises falls from 3 to 2 around the rate 0.01 and rises steeply from an edge on.
func fallsAndRises(edge float64) func(lr float64) float64 {
	return func(lr float64) float64 { return 2 + 1/(1+lr/0.01) + math.Pow(lr/edge, 4)*0.05 }
}

// TestSuggest: curves with a known edge. The smoothed loss shows it late, by a factor of three at most. The suggestion is a
// third of it from initial weights, a tenth from pretrained ones.
func TestSuggest(t *testing.T) {
	wide := Range{From: 1e-4, To: 100, Steps: 100}
	for _, c := range []struct {
		name  string
		r     Range
		loss  func(lr float64) float64
		edge  float64
		error string
	}{
		{"edge at 0.5", wide, fallsAndRises(0.5), 0.5, ""},
		{"edge at 0.05", wide, fallsAndRises(0.05), 0.05, ""},
		{"ten times the steps", Range{From: 1e-4, To: 100, Steps: 1000}, fallsAndRises(0.5), 0.5, ""},
		{"flat until the edge", wide, func(lr float64) float64 { return 3 + math.Pow(lr/0.5, 4)*0.1 }, 0.5, ""},
		{"head kept: low and flat until the edge", wide, func(lr float64) float64 { return 0.8 + math.Pow(lr/0.1, 3)*0.1 }, 0.1, ""},
		{"falls slowly from the start", wide, func(lr float64) float64 { return 3 - 0.25*math.Log(lr/1e-4) + math.Pow(lr/0.1, 3)*0.3 }, 0.1, ""},
		{"NaN beyond the edge", wide, func(lr float64) float64 {
			if lr > 0.5 {
				return math.NaN()
			}
			return 3 - lr
		}, 0.5, ""},
		{"still falling at the end", Range{From: 1e-4, To: 0.1, Steps: 100}, fallsAndRises(5), 0, "end higher with --to"},
		{"constant", wide, func(float64) float64 { return 3 }, 0, "end higher with --to"},
		{"rising from the start", wide, func(lr float64) float64 { return 3 + 0.8*math.Log(lr/1e-4) }, 0, "begin lower with --from"},
		{"diverges at once", wide, func(float64) float64 { return math.Inf(1) }, 0, "begin lower with --from"},
		{"suggestion below the range", Range{From: 0.4, To: 4, Steps: 100}, fallsAndRises(0.5), 0, "begin lower with --from"},
	} {
		for _, from := range []struct {
			pretrained bool
			part       float64
			method     string
		}{{false, 3, "a third of the highest stable rate"}, {true, 10, "a tenth of the highest stable rate"}} {
			curve := swept(c.r, c.loss)
			curve.Pretrained = from.pretrained
			s, err := curve.Suggest()
			if c.error != "" {
				if !errors.Is(err, ErrNoSuggestion) || !strings.Contains(err.Error(), c.error) {
					t.Errorf("%s, pretrained %v: %+v, error %v, want %q", c.name, from.pretrained, s, err, c.error)
				}
				continue
			}
			if err != nil || s.Edge < 0.85*c.edge || s.Edge > 3*c.edge || math.Abs(s.LR*from.part/s.Edge-1) > 0.08 || s.Steepest > s.Minimum || s.Method != from.method {
				t.Errorf("%s, pretrained %v: %+v, error %v, want an edge of %v", c.name, from.pretrained, s, err, c.edge)
			}
		}
	}
}

// TestSuggestReason: the sentence says the rule, what it is applied to and why.
func TestSuggestReason(t *testing.T) {
	curve := swept(Range{From: 1e-4, To: 100, Steps: 100}, fallsAndRises(0.5))
	for _, c := range []struct {
		pretrained bool
		want       string
	}{{false, "a third of 1.3, above which the smoothed loss rises, since the run starts from initial weights; the loss falls from 2.99 at the start to 2.12 at 0.57, the fastest at 0.023"},
		{true, "a tenth of 1.3, above which the smoothed loss rises, since a higher rate may lose what the pretrained weights have learned; the loss falls "}} {
		curve.Pretrained = c.pretrained
		if s, err := curve.Suggest(); err != nil || !strings.HasPrefix(s.Reason, c.want) {
			t.Errorf("pretrained %v: %q, error %v", c.pretrained, s.Reason, err)
		}
	}
}

// TestGoldenFinetune: the losses of train lr-find --init with MobileNet v1 on 600 photographs, recipe finetune, 128 x 128, seed 1.
func TestGoldenFinetune(t *testing.T) {
	file, err := os.Open("testdata/finetune.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	curve := Curve{Range: Range{From: 1e-4, To: 1, Steps: 100}}
	for i, row := range rows[1:] {
		var v [3]float64 // lr, loss, smoothed
		for j := range v {
			if v[j], err = strconv.ParseFloat(row[j+1], 64); err != nil {
				t.Fatalf("row %d: %v", i+1, err)
			}
		}
		diverged := curve.Add(v[1])
		if p := curve.Points[i]; math.Abs(p.LR/v[0]-1) > 1e-12 || math.Abs(p.Smoothed/v[2]-1) > 1e-12 || diverged != (i == len(rows)-2) {
			t.Fatalf("step %d: %+v, diverged %v; want %v", i+1, p, diverged, v)
		}
	}
	for _, c := range []struct {
		pretrained bool
		lr         float64
	}{{false, 0.033}, {true, 0.0098}} {
		curve.Pretrained = c.pretrained
		if s, err := curve.Suggest(); err != nil || s.LR != c.lr || s.Edge != 0.098 || s.Minimum != 0.035 || s.Steepest != 0.0041 {
			t.Errorf("pretrained %v: %+v, error %v", c.pretrained, s, err)
		}
	}
}
