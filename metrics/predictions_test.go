package metrics

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// predictions are those of a golden case; of its logits the file has no confidences, which do not matter here.
func (g golden) predictions(names []string) []Prediction {
	var list []Prediction
	for i, p := range g.predicted() {
		rank := 1
		for c := range g.Classes {
			if x, own := g.Logits[i*g.Classes+c], g.Logits[i*g.Classes+int(g.Labels[i])]; x > own {
				rank++
			}
		}
		list = append(list, Prediction{Image: "image", Class: names[g.Labels[i]], Predicted: names[p], Confidence: 0.5, Rank: rank, Loss: float64(i)})
	}
	return list
}

// TestSummarize: the measures are those of the matrix, which scikit-learn's are.
func TestSummarize(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			var names []string
			for i := range g.Classes {
				names = append(names, string(rune('a'+i%26))+strings.Repeat("x", i/26))
			}
			list := g.predictions(names)
			s := Summarize(names, list)
			if !reflect.DeepEqual(s.Confusion, g.Confusion) || s.Images != len(g.Labels) {
				t.Fatalf("confusion matrix %v, want %v", s.Confusion, g.Confusion)
			}
			right, loss := 0, 0.0
			for i, p := range list {
				loss += float64(i) / float64(len(list))
				if p.Correct() {
					right++
				}
			}
			near(t, "top-1", s.Top1, float64(right)/float64(len(list)), 0)
			near(t, "loss", s.Loss, loss, 1e-9)
			near(t, "balanced accuracy", s.BalancedAccuracy, g.BalancedAccuracy, 1e-12)
			near(t, "calibration error", s.ECE, math.Abs(s.Top1-0.5), 1e-12) // all in one bin
			if !(s.Top1Interval.Low <= s.Top1 && s.Top1 <= s.Top1Interval.High) {
				t.Errorf("interval %v of %v", s.Top1Interval, s.Top1)
			}
		})
	}
}

func TestSummarizeUnknownClasses(t *testing.T) {
	s := Summarize([]string{"b"}, []Prediction{{Class: "c", Predicted: "b", Rank: 2}, {Class: "c", Predicted: "a", Rank: 6}})
	if !reflect.DeepEqual(s.Classes, []string{"b", "c", "a"}) || s.Confusion[1][0] != 1 || s.Confusion[1][2] != 1 || s.Top1 != 0 || s.Top5 != 0.5 {
		t.Errorf("%+v", s)
	}
	if s := Summarize([]string{"a"}, nil); s.Images != 0 || s.Top1 != 0 || s.ECE != 0 || len(s.Scores) != 1 {
		t.Errorf("without predictions %+v", s)
	}
}

func TestPredictionsFile(t *testing.T) {
	list := []Prediction{{"a,\"b\"\nc.jpg", "cat", "dog", 0.25, 2, 1.5}, {"ü.jpg", "dog", "dog", 1, 1, 0}, {"", "x", "y", math.NaN(), 3, math.Inf(1)}}
	var b bytes.Buffer
	if err := WritePredictions(&b, list); err != nil {
		t.Fatal(err)
	}
	if want := "image,class,predicted,correct,confidence,rank,loss\n"; !strings.HasPrefix(b.String(), want) {
		t.Errorf("header of %q", b.String())
	}
	got, err := ReadPredictions(&b)
	if err != nil || len(got) != 3 || got[0] != list[0] || got[1] != list[1] || !math.IsNaN(got[2].Confidence) || !math.IsInf(got[2].Loss, 1) {
		t.Errorf("%+v, %v", got, err)
	}
	more := "new,image,class,predicted,correct,confidence,rank,loss\n1,a,b,c,false,0.5,2,1\n"
	if got, err := ReadPredictions(strings.NewReader(more)); err != nil || len(got) != 1 || got[0].Image != "a" || got[0].Rank != 2 {
		t.Errorf("with another column: %+v, %v", got, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":      {"", "EOF"},
		"columns":    {"image,class\n", `lacks the column "predicted"`},
		"short row":  {"image,class,predicted,correct,confidence,rank,loss\na,b\n", "wrong number of fields"},
		"rank":       {"image,class,predicted,correct,confidence,rank,loss\na,b,c,true,1,1,0\na,b,c,true,1,x,0\n", "line 3"},
		"confidence": {"image,class,predicted,correct,confidence,rank,loss\na,b,c,true,,1,0\n", "line 2"},
	} {
		if _, err := ReadPredictions(strings.NewReader(c.text)); !errors.Is(err, ErrPredictions) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func FuzzReadPredictions(f *testing.F) {
	f.Add("image,class,predicted,correct,confidence,rank,loss\na,b,c,true,1,1,0\n")
	f.Add("image,class\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadPredictions(strings.NewReader(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := WritePredictions(&b, list); err != nil {
			t.Fatal(err)
		}
		again, err := ReadPredictions(&b)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%d rows became %d: %v", len(list), len(again), err)
		}
		Summarize(nil, list[:min(len(list), 100)])
	})
}
