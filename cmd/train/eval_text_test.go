package main

import (
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/classify"
	"depthwise.dev/metrics"
)

// evalResult is a result for a number of classes; class i has i+1 images, of which one is predicted as class 0.
func evalResult(names ...string) classify.EvalResult {
	r := classify.EvalResult{Confusion: metrics.NewConfusion(len(names))}
	for i := range names {
		r.Confusion[i][i] += i
		r.Confusion[i][0]++
		r.Images += i + 1
	}
	scores := r.Confusion.Classes()
	for i, s := range scores {
		r.Classes = append(r.Classes, classify.ClassResult{Class: names[i], ClassScore: s})
	}
	r.Average = r.Confusion.Averages()
	return r
}

func TestEvalText(t *testing.T) {
	text := evalText(evalResult("cat", "日本", "a\x1bb"), false)
	for _, want := range []string{
		"6 images of 3 classes",
		"\ncat                  33.33 %  100.00 %   50.00 %       1\n",
		"\n日本                100.00 %   50.00 %   66.67 %       2\n",
		"\na\\u001bb            100.00 %   66.67 %   80.00 %       3\n",
		"\nmacro average        77.78 %   72.22 %   65.56 %       6\n",
		"  1 of 3 images of a\\u001bb were predicted as cat\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "top-5") || !strings.Contains(evalText(evalResult("a", "b", "c", "d", "e", "f"), false), "top-5 accuracy") {
		t.Errorf("top-5 of three classes, or none of six:\n%s", text)
	}
	if strings.Contains(text, "compared") || strings.Contains(text, "--calibrated") {
		t.Errorf("what was not computed is named:\n%s", text)
	}
}

// TestEvalTextOfManyClasses: those with the lowest F1 are listed, or all on request.
func TestEvalTextOfManyClasses(t *testing.T) {
	names := make([]string, 30)
	for i := range names {
		names[i] = fmt.Sprintf("class-%02d", i)
	}
	r := evalResult(names...)
	some, all := evalText(r, false), evalText(r, true)
	if n := strings.Count(some, "\nclass-"); n != shownClasses || !strings.Contains(some, "\nclass-00") || strings.Contains(some, "\nclass-29") {
		t.Errorf("%d classes:\n%s", n, some)
	}
	if n := strings.Count(all, "\nclass-"); n != 30 || strings.Index(all, "class-00") > strings.Index(all, "class-29") {
		t.Errorf("%d classes:\n%s", n, all)
	}
}

func TestEvalTextOfComparison(t *testing.T) {
	r := evalResult("a", "b")
	for _, c := range []struct {
		p    float64
		want string
	}{{0.04, "significant at the level of 5 %"}, {0.06, "may be due to chance"}} {
		r.Comparison = &classify.Comparison{Weights: "other", Images: 3, Top1: 0.5, Other: 0.25, McNemar: metrics.McNemar{OnlyFirst: 1, P: c.p}}
		if text := evalText(r, false); !strings.Contains(text, c.want) || !strings.Contains(text, "compared with other on 3 images: top-1 50.00 % and 25.00 %") {
			t.Errorf("p = %v:\n%s", c.p, text)
		}
	}
}

func TestTextWidth(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "日本": 4, "ﾊﾝ": 2, "\u200b": 0} {
		if got := textWidth(text); got != want {
			t.Errorf("%q has %d columns, want %d", text, got, want)
		}
		if got := textWidth(padded(text, 6)); got != 6 {
			t.Errorf("%q padded has %d columns", text, got)
		}
	}
}
