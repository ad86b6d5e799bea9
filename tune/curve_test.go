package tune

import (
	"math"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/internal/validate"
)

// TestDivergence: the test ends at four times the minimum of the smoothed loss, and at once at a loss that is not finite.
func TestDivergence(t *testing.T) {
	c := Curve{Range: Range{From: 1e-4, To: 1, Steps: 100}}
	for i, loss := range []float64{3, 3, 3, 12, 12, 12} {
		if c.Add(loss) {
			t.Fatalf("loss %d of a few ended the test: smoothed %v", i, c.Points[i].Smoothed)
		}
	}
	for _, loss := range []float64{math.NaN(), math.Inf(1)} {
		n := len(c.Points)
		if d := c; !d.Add(loss) || !d.Diverged || len(d.Points) != n {
			t.Errorf("loss %v: %d points", loss, len(d.Points))
		}
	}
	steps := 0
	for !c.Add(50) {
		if steps++; steps > 20 {
			t.Fatal("a loss of 50 does not end the test")
		}
	}
	if last := c.Points[len(c.Points)-1]; last.Smoothed <= divergence*3 || !c.Diverged {
		t.Errorf("ended at a smoothed loss of %v", last.Smoothed)
	}
}

// TestSmoothing: by hand, 100 steps: (0.1*2 + 0.09*4) / (1-0.81), with the newer loss first.
func TestSmoothing(t *testing.T) {
	c := Curve{Range: Range{From: 1, To: 2, Steps: 100}}
	c.Add(4)
	c.Add(2)
	if got, want := c.Points[1].Smoothed, (0.1*2+0.09*4)/0.19; c.Points[0].Smoothed != 4 || math.Abs(got-want) > 1e-12 {
		t.Errorf("smoothed %v, %v; want 4, %v", c.Points[0].Smoothed, got, want)
	}
}

func TestRange(t *testing.T) {
	r, err := Range{}.Around(0.1)
	if err != nil || math.Abs(r.LR(0)-1e-3) > 1e-15 || math.Abs(r.LR(99)-10) > 1e-12 || math.Abs(r.LR(49)*r.LR(50)-0.01) > 1e-12 || r.Steps != DefaultSteps {
		t.Errorf("%+v: from %v to %v, error %v", r, r.LR(0), r.LR(99), err)
	}
	if r, err := (Range{From: 1, To: 2, Steps: 30}).Around(0.1); r != (Range{From: 1, To: 2, Steps: 30}) || err != nil {
		t.Errorf("%+v, %v: given values were changed", r, err)
	}
	if _, err := (Range{From: 50}).Around(0.1); err == nil || !strings.Contains(err.Error(), "--from") {
		t.Errorf("a range from 50 to 10: error %v", err)
	}
	for _, c := range []struct {
		name string
		r    Range
		want string
	}{
		{"default", Range{}, ""},
		{"negative", Range{From: -1}, "from"},
		{"infinite", Range{To: math.Inf(1)}, "to"},
		{"NaN", Range{From: math.NaN()}, "from"},
		{"backwards", Range{From: 2, To: 1}, "to 1"},
		{"too few", Range{Steps: 3}, "steps 3"},
		{"too many", Range{Steps: 1e9}, "steps"},
	} {
		var v validate.Collector
		c.r.Collect(&v)
		if err := v.Err(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestMean: mean losses, up to the end of the shortest test, which has diverged if it is shorter.
func TestMean(t *testing.T) {
	r := Range{From: 1, To: 2, Steps: 4}
	curve := func(diverged bool, losses ...float64) Curve {
		c := Curve{Range: r}
		for _, loss := range losses {
			c.Add(loss)
		}
		c.Diverged = diverged
		return c
	}
	for _, c := range []struct {
		name     string
		tests    []Curve
		want     []float64
		diverged bool
	}{
		{"one", []Curve{curve(false, 3, 2, 3, 2)}, []float64{3, 2, 3, 2}, false},
		{"three", []Curve{curve(false, 3, 2, 3, 2), curve(false, 6, 2, 3, 2), curve(false, 3, 5, 3, 2)}, []float64{4, 3, 3, 2}, false},
		{"one diverges", []Curve{curve(false, 3, 2, 3, 2), curve(true, 5, 4)}, []float64{4, 3}, true},
		{"one diverges at the last step", []Curve{curve(true, 3, 2, 3, 2), curve(false, 3, 2, 3, 2)}, []float64{3, 2, 3, 2}, true},
		{"one diverges at once", []Curve{curve(false, 3, 2, 3, 2), curve(true)}, nil, true},
	} {
		got := Mean(c.tests)
		var losses []float64
		for i, p := range got.Points {
			losses = append(losses, p.Loss)
			if p.LR != r.LR(int64(i)) {
				t.Errorf("%s: step %d has the rate %v", c.name, i, p.LR)
			}
		}
		if !slices.Equal(losses, c.want) || got.Diverged != c.diverged || got.Range != r {
			t.Errorf("%s: losses %v, %+v", c.name, losses, got)
		}
	}
}
