package classify

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/metrics"
	"depthwise.dev/weights/weightstest"
)

func TestNewOutcome(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name            string
		logits          []float32
		class           int
		rank, predicted int
		confidence      float64
	}{
		{"right", []float32{0, float32(math.Log(3)), 0}, 1, 1, 1, 0.6},
		{"second", []float32{float32(math.Log(2)), 0, float32(math.Log(3))}, 0, 2, 2, 0.5},
		{"a tie counts as wrong", []float32{1, 1}, 0, 2, 1, 0.5},
		{"NaN is greatest", []float32{5, nan, 7}, 0, 3, 1, math.NaN()},
	} {
		o := newOutcome(4, c.class, c.logits)
		if o.Sample != 4 || o.Class != c.class || o.Rank != c.rank || o.Predicted != c.predicted || o.Correct() != (c.rank == 1) {
			t.Errorf("%s: %+v", c.name, o)
		}
		if math.Abs(o.Confidence-c.confidence) > 1e-6 || math.IsNaN(o.Confidence) != math.IsNaN(c.confidence) {
			t.Errorf("%s: confidence %v, want %v", c.name, o.Confidence, c.confidence)
		}
	}
}

func TestMirror(t *testing.T) {
	two := []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9 /**/, 11, 12, 13, 14, 15, 16, 17, 18, 19} // 2 rows of 3 pixels
	want := []uint8{7, 8, 9, 4, 5, 6, 1, 2, 3 /**/, 17, 18, 19, 14, 15, 16, 11, 12, 13}
	if got := mirror(two, 3); string(got) != string(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestMeanProbabilities(t *testing.T) {
	a := []float32{float32(math.Log(3)), 0}            // 0.75 and 0.25
	meanProbabilities(a, []float32{0, 0})              // 0.5 and 0.5
	for i, want := range []float64{0.625, 1 - 0.625} { // of probabilities, not of logits
		if got := Softmax(a)[i]; math.Abs(got-want) > 1e-6 {
			t.Errorf("probability %v, want %v", got, want)
		}
	}
}

// TestEvaluateMeasures: the measures agree with the file of predictions, and with each other.
func TestEvaluateMeasures(t *testing.T) {
	dir, path := testset.Images(t, 1, 5), written(t)
	file := filepath.Join(t.TempDir(), "p.csv")
	r, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, BatchSize: 4, Options: onCPU, Predictions: file})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 1+r.Images || strings.Join(rows[0], ",") != "image,class,predicted,correct,confidence,rank,loss" {
		t.Fatalf("%d rows, %v: %v", len(rows), rows[0], err)
	}
	index := map[string]int{"blue": 0, "green": 1, "yellow": 2}
	confusion := metrics.NewConfusion(3)
	for _, row := range rows[1:] {
		if filepath.Base(filepath.Dir(row[0])) != row[1] {
			t.Errorf("%s is of class %s", row[0], row[1])
		}
		confusion[index[row[1]]][index[row[2]]]++
	}
	right := 0
	for c := range confusion {
		right += confusion[c][c]
		for p := range confusion[c] {
			if confusion[c][p] != r.Confusion[c][p] {
				t.Errorf("confusion matrix %v, want %v", r.Confusion, confusion)
			}
		}
	}
	if math.Abs(r.Top1-float64(right)/float64(r.Images)) > 1e-12 {
		t.Errorf("top-1 %v, %d of %d correct", r.Top1, right, r.Images)
	}
	if i := r.Intervals.Top1; !(i.Low <= r.Top1 && r.Top1 <= i.High && i.Low < i.High || r.Top1 == 0 || r.Top1 == 1) {
		t.Errorf("interval %+v of %v", i, r.Top1)
	}
	if r.Classes[2].Class != "yellow" || r.Classes[2].Support != 0 || r.Average.Macro.Support != r.Images {
		t.Errorf("%+v, %+v", r.Classes, r.Average)
	}
}

// overconfident returns the file of weights that are certain of the class blue, for whatever image.
func overconfident(t *testing.T) string {
	t.Helper()
	w := weightstest.New(t)
	w.Classes = []string{"blue", "green", "yellow"}
	for _, a := range w.Arrays {
		if a.Name == "classifier.bias" {
			values, err := checkpoints.Values[float32](a)
			if err != nil {
				t.Fatal(err)
			}
			copy(values, []float32{6, 0, -6})
		}
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCalibrated: the file's probabilities need no further temperature, its order of classes is the same, and so are its
// logits but for the division; exports keep the temperature in their metadata.
func TestCalibrated(t *testing.T) {
	dir, path := testset.Images(t, 3, 6), overconfident(t)
	file := filepath.Join(t.TempDir(), "c.safetensors")
	before, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU, Calibrated: file})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Evaluate(t.Context(), EvalConfig{Weights: file, Data: dir, Options: onCPU})
	if err != nil {
		t.Fatal(err)
	}
	if !(before.Calibration.Temperature > 1.1 && before.Calibration.Temperature < 19) || math.Abs(after.Calibration.Temperature-1) > 1e-3 { // float32 weights
		t.Errorf("temperature %v, then %v", before.Calibration.Temperature, after.Calibration.Temperature)
	}
	if before.Top1 != after.Top1 || !(after.Loss < before.Loss) {
		t.Errorf("top-1 %v and %v, loss %v and %v", before.Top1, after.Top1, before.Loss, after.Loss)
	}
	exported := filepath.Join(t.TempDir(), "e.safetensors")
	if err := formats.Export(formats.ExportOptions{Weights: file, Output: exported}); err != nil {
		t.Fatal(err)
	}
	w, err := formats.Read(exported)
	if err != nil || w.Meta["temperature"] == "" {
		t.Errorf("%v, %v", w.Meta, err)
	}
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: written(t), Data: dir, Options: onCPU, Calibrated: exported}); err == nil || !strings.Contains(err.Error(), "no temperature is best") {
		t.Errorf("logits that are nearly equal: %v", err)
	}
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU, Calibrated: file, TTA: TTAFlip}); err == nil || !strings.Contains(err.Error(), "tta") {
		t.Errorf("with test-time augmentation: %v", err)
	}
}

// TestCalibratedKeepsWeights: weights that are read are not replaced, under any of their names.
func TestCalibratedKeepsWeights(t *testing.T) {
	dir, path, other := testset.Images(t, 3, 2), overconfident(t), overconfident(t)
	link := filepath.Join(t.TempDir(), "link.safetensors")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]EvalConfig{
		"the weights":        {Weights: path, Calibrated: path},
		"a link to them":     {Weights: path, Calibrated: link},
		"weights to compare": {Weights: path, Compare: other, Calibrated: other},
	} {
		before, err := os.ReadFile(c.Calibrated)
		if err != nil {
			t.Fatal(err)
		}
		c.Data, c.Options = dir, onCPU
		if _, err := Evaluate(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the output is the file of the weights") {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(c.Calibrated); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: replaced, %v", name, err)
		}
	}
}

// TestCompare: weights are as good as themselves; others are compared on the same images.
func TestCompare(t *testing.T) {
	dir, path := testset.Images(t, 1, 5), overconfident(t)
	calibrated := filepath.Join(t.TempDir(), "c.safetensors")
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU, Calibrated: calibrated}); err != nil {
		t.Fatal(err)
	}
	r, err := Evaluate(t.Context(), EvalConfig{Weights: path, Compare: calibrated, Data: dir, Options: onCPU})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Comparison
	if c == nil || c.Images != r.Images || c.Top1 != r.Top1 || c.Other != r.Top1 || c.McNemar.P != 1 || c.McNemar.OnlyFirst+c.McNemar.OnlySecond != 0 {
		t.Errorf("%+v", c)
	}
	w := weightstest.New(t)
	foreign := filepath.Join(t.TempDir(), "timm.safetensors")
	if err := checkpoints.Write(foreign, checkpoints.File{Arrays: w.Arrays}); err != nil {
		t.Fatal(err)
	}
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: foreign, Compare: path, Data: dir, Options: onCPU, Reading: formats.ReadOptions{Variant: "timm"}}); err != nil {
		t.Errorf("a variant for weights of another tool, and others that describe themselves: %v", err)
	}
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: path, Compare: "none", Data: dir, Options: onCPU}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("error %v", err)
	}
}

// TestTTA: an image that is its own mirror image has the same result, others another one.
func TestTTA(t *testing.T) {
	dir, path := testset.Images(t, 1, 5), written(t)
	plain, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU})
	if err != nil {
		t.Fatal(err)
	}
	flipped, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU, TTA: TTAFlip})
	if err != nil {
		t.Fatal(err)
	}
	if plain.Loss == flipped.Loss || math.Abs(plain.Loss-flipped.Loss) > 0.5 {
		t.Errorf("loss %v, with mirror images %v", plain.Loss, flipped.Loss)
	}
	if _, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, TTA: "rotate"}); err == nil || !strings.Contains(err.Error(), "none, flip") {
		t.Errorf("error %v", err)
	}
}

// TestCheckFinite: a logit that no temperature calibrates is named.
func TestCheckFinite(t *testing.T) {
	e := &measured{weights: weightstest.Of(t, "a", "b"), images: &data.Dataset{Samples: []data.Sample{{Path: "x.jpg"}, {Path: "y.jpg"}}}, outcomes: []Outcome{{Sample: 1}, {Sample: 0}}}
	for _, c := range []struct {
		logits []float32
		want   string
	}{
		{[]float32{1, -2, 3, 4}, ""},
		{[]float32{1, float32(math.NaN()), 3, 4}, "the logit of b for y.jpg is NaN"},
		{[]float32{1, 2, float32(math.Inf(-1)), 4}, "the logit of a for x.jpg is -Inf"},
	} {
		e.logits = c.logits
		if err := e.checkFinite(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q", c.logits, err, c.want)
		}
	}
}
