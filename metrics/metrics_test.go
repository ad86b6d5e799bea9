package metrics

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"reflect"
	"testing"
)

// golden is a case of testdata/make.py.
type golden struct {
	Name                 string
	Classes              int
	Labels, Second       []int64
	Logits               []float32
	Confusion            Confusion
	Precision            []float64
	Recall               []float64
	F1                   []float64
	Support              []int
	Macro, Weighted      [3]float64
	BalancedAccuracy     float64 `json:"balanced_accuracy"`
	McNemar, Temperature float64
}

func goldens(t *testing.T) []golden {
	t.Helper()
	content, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []golden
	for line := range bytes.Lines(content) {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	if len(list) != 3 {
		t.Fatalf("%d cases, want 3", len(list))
	}
	return list
}

func (g golden) predicted() []int64 {
	list := make([]int64, len(g.Labels))
	for i := range list {
		for c := range g.Classes {
			if g.Logits[i*g.Classes+c] > g.Logits[i*g.Classes+int(list[i])] {
				list[i] = int64(c)
			}
		}
	}
	return list
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// TestAgainstScikitLearn: scores of classes, averages and balanced accuracy.
func TestAgainstScikitLearn(t *testing.T) {
	const rounding = 1e-12
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			c := NewConfusion(g.Classes)
			for i, p := range g.predicted() {
				c[g.Labels[i]][p]++
			}
			if !reflect.DeepEqual(c, g.Confusion) {
				t.Fatalf("confusion matrix %v, want %v", c, g.Confusion)
			}
			scores := c.Classes()
			for i, s := range scores {
				near(t, "precision", s.Precision, g.Precision[i], rounding)
				near(t, "recall", s.Recall, g.Recall[i], rounding)
				near(t, "F1", s.F1, g.F1[i], rounding)
				if s.Support != g.Support[i] {
					t.Errorf("support %d, want %d", s.Support, g.Support[i])
				}
			}
			a := c.Averages()
			for i, pair := range [][2]ClassScore{{a.Macro, {g.Macro[0], g.Macro[1], g.Macro[2], len(g.Labels)}}, {a.Weighted, {g.Weighted[0], g.Weighted[1], g.Weighted[2], len(g.Labels)}}} {
				name := []string{"macro ", "weighted "}[i]
				near(t, name+"precision", pair[0].Precision, pair[1].Precision, rounding)
				near(t, name+"recall", pair[0].Recall, pair[1].Recall, rounding)
				near(t, name+"F1", pair[0].F1, pair[1].F1, rounding)
				if pair[0].Support != pair[1].Support {
					t.Errorf("%ssupport %d", name, pair[0].Support)
				}
			}
			near(t, "balanced accuracy", c.BalancedAccuracy(), g.BalancedAccuracy, rounding)
		})
	}
}

// TestMcNemarAgainstStatsmodels, and limits.
func TestMcNemarAgainstStatsmodels(t *testing.T) {
	for _, g := range goldens(t) {
		first, second := make([]bool, len(g.Labels)), make([]bool, len(g.Labels))
		for i, p := range g.predicted() {
			first[i], second[i] = p == g.Labels[i], g.Second[i] == g.Labels[i]
		}
		m := NewMcNemar(first, second)
		near(t, g.Name+": p", m.P, g.McNemar, 1e-10) // logarithms of factorials
		if m.Both+m.Neither+m.OnlyFirst+m.OnlySecond != len(g.Labels) {
			t.Errorf("%s: %+v", g.Name, m)
		}
	}
	if m := NewMcNemar(nil, nil); m.P != 1 {
		t.Errorf("without images p is %v, want 1", m.P)
	}
	if m := NewMcNemar(make([]bool, 2000), append(make([]bool, 1000), all(1000)...)); !(m.P > 0 && m.P < 1e-290) || m.OnlySecond != 1000 {
		t.Errorf("1000 of 1000 differ: %+v", m) // 2^-999
	}
}

func all(n int) []bool {
	list := make([]bool, n)
	for i := range list {
		list[i] = true
	}
	return list
}

// TestTemperatureAgainstSciPy, and limits.
func TestTemperatureAgainstSciPy(t *testing.T) {
	for _, g := range goldens(t) {
		near(t, g.Name, Temperature(g.Logits, g.Labels), g.Temperature, 1e-5*g.Temperature) // both search to about 1e-6
	}
	for _, c := range []struct {
		name   string
		logits []float32
		labels []int64
		want   float64
	}{
		{"no images", nil, nil, 1},
		{"always right: as confident as allowed", []float32{5, 0, 0, 5}, []int64{0, 1}, minTemperature},
		{"always wrong: as uncertain as allowed", []float32{5, 0, 0, 5}, []int64{1, 0}, maxTemperature},
		{"huge logits", []float32{3e38, 0, 0, 3e38}, []int64{0, 1}, minTemperature},
		{"probabilities of 0", []float32{0, float32(math.Inf(-1)), -0.5, -1}, []int64{0, 1}, maxTemperature},
	} {
		got := Temperature(c.logits, c.labels)
		near(t, c.name, got, c.want, 1e-4*c.want)
		if AtLimit(got) != (c.want == minTemperature || c.want == maxTemperature) {
			t.Errorf("%s: AtLimit(%v) is %v", c.name, got, AtLimit(got))
		}
	}
}

func TestECE(t *testing.T) {
	for _, c := range []struct {
		name       string
		confidence []float64
		correct    []bool
		want       float64
	}{
		{"nothing", nil, nil, 0},
		{"certain and right", []float64{1, 1}, []bool{true, true}, 0},
		{"certain and wrong", []float64{1, 1}, []bool{false, false}, 1},
		{"half right at 0.5", []float64{0.5, 0.5}, []bool{true, false}, 0},
		// 0.9 and 0.9 with accuracy 0.5 differ by 0.4, 0.3 with accuracy 0 by 0.3; weights 2/3 and 1/3
		{"two bins", []float64{0.9, 0.9, 0.3}, []bool{true, false, false}, 2.0/3*0.4 + 1.0/3*0.3},
		{"confidence 0", []float64{0}, []bool{false}, 0},
	} {
		got, list := ECE(c.confidence, c.correct)
		near(t, c.name, got, c.want, 1e-12)
		images := 0
		for _, b := range list {
			images += b.Images
		}
		if images != len(c.confidence) || len(list) != bins {
			t.Errorf("%s: %d images in %d bins", c.name, images, len(list))
		}
	}
	if _, list := ECE([]float64{1.0 / bins, 1.0/bins + 1e-9}, []bool{true, true}); list[0].Images != 1 || list[1].Images != 1 {
		t.Errorf("the limit of a bin belongs to it: %+v", list[:2])
	}
}

// TestBootstrap: the interval of a mean of zeros and ones is close to that of the normal approximation, and the same again.
func TestBootstrap(t *testing.T) {
	const n = 400
	mean := func(sample []int) float64 {
		right := 0
		for _, i := range sample {
			if i%10 < 9 {
				right++
			}
		}
		return float64(right) / n
	}
	got := Bootstrap(n, mean)
	half := 1.96 * math.Sqrt(0.9*0.1/n) // 0.0294
	near(t, "low", got.Low, 0.9-half, 0.006)
	near(t, "high", got.High, 0.9+half, 0.006)
	if again := Bootstrap(n, mean); again != got {
		t.Errorf("%v, then %v", got, again)
	}
	if got := Bootstrap(0, mean); got != (Interval{}) {
		t.Errorf("without images %v", got)
	}
	if got := Bootstrap(1, func([]int) float64 { return 0.5 }); got != (Interval{0.5, 0.5}) {
		t.Errorf("one image: %v", got)
	}
}

// TestAveragesOfSomeClasses: classes without images and predictions do not count.
func TestAveragesOfSomeClasses(t *testing.T) {
	c := NewConfusion(20)
	c[3][3], c[7][7] = 5, 5
	if a := c.Averages(); a.Macro != (ClassScore{1, 1, 1, 10}) || a.Weighted != a.Macro {
		t.Errorf("%+v", a)
	}
	if a := NewConfusion(2).Averages(); a != (Average{}) {
		t.Errorf("without images: %+v", a)
	}
}

func TestMistakes(t *testing.T) {
	c := NewConfusion(3)
	c[0][0], c[0][1], c[2][0], c[1][2] = 9, 1, 4, 1
	want := []Mistake{{2, 0, 4}, {0, 1, 1}, {1, 2, 1}}
	if got := c.Mistakes(); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
