package main

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"

	"depthwise.dev/classify"
	"depthwise.dev/data"
)

// TestMultiLabelFormats: every format has all classes of an image that multi-label weights predict, or --top of them.
func TestMultiLabelFormats(t *testing.T) {
	classes := []string{"a", "b", "c", "d", "e", "f", "g"}
	all := classify.Predicted{Classes: classes, MultiLabel: true, Prediction: classify.Prediction{Image: "x.jpg"}}
	for i, name := range classes {
		all.Top = append(all.Top, classify.ClassProbability{Class: name, Index: i, Probability: 0.75})
	}
	none := classify.Predicted{Classes: classes, MultiLabel: true, Prediction: classify.Prediction{Image: "y.jpg"}}
	bad := classify.Predicted{Classes: classes, MultiLabel: true, Prediction: classify.Prediction{Image: "z.jpg", Error: "z.jpg: truncated"}}
	two := all
	two.Top = two.Top[:2]
	for _, c := range []struct {
		name string
		p    prediction
		list []classify.Predicted
		want string
	}{
		{"csv", prediction{format: formatCSV}, []classify.Predicted{all, none},
			"image,class,probability,class_2,probability_2,class_3,probability_3,class_4,probability_4,class_5,probability_5,class_6,probability_6,class_7,probability_7,error\n" +
				"x.jpg,a,0.75,b,0.75,c,0.75,d,0.75,e,0.75,f,0.75,g,0.75,\ny.jpg,,,,,,,,,,,,,,,\n"},
		{"table", prediction{format: formatRows}, []classify.Predicted{all, none, bad},
			"x.jpg: 75.00 % a, 75.00 % b, 75.00 % c, 75.00 % d, 75.00 % e, 75.00 % f, 75.00 % g\ny.jpg: no class that reaches its threshold\nz.jpg: cannot be read: truncated\n"},
		{"text", prediction{format: formatText}, []classify.Predicted{two, none}, "x.jpg\n   75.00 %  a\n   75.00 %  b\ny.jpg\n  no class that reaches its threshold\n"},
		{"csv with top", prediction{format: formatCSV, topSet: true, PredictConfig: classify.PredictConfig{Top: 2}}, []classify.Predicted{two},
			"image,class,probability,class_2,probability_2,error\nx.jpg,a,0.75,b,0.75,\n"},
		{"table with top", prediction{format: formatRows, topSet: true, PredictConfig: classify.PredictConfig{Top: 2}}, []classify.Predicted{two}, " 75.00 %  a   75.00 %  b  x.jpg\n"},
	} {
		var out bytes.Buffer
		cmd := &cobra.Command{}
		cmd.SetOut(&out)
		w := c.p.writer(cmd, &data.Dataset{})
		for _, p := range c.list {
			if err := w.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil || out.String() != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, out.String(), c.want)
		}
	}
}
