package classify

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/metrics"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// multiLabelFile returns a file of multi-label weights and a CSV file of images with any number of their classes.
func multiLabelFile(t *testing.T) (path, list string) {
	t.Helper()
	w := weightstest.New(t)
	w.Classes, w.Meta = []string{"blue", "green", "yellow"}, map[string]string{weights.MetaTask: weights.TaskMultiLabel}
	err := autograd.Run(t.Context(), func(s *autograd.Scope) (err error) { // those of weightstest give all images one probability
		w.Arrays, err = backend.HostArrays(s, "", backend.New(s, w.Graph, 1).State())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	dir := testset.Images(t, 0, 6)
	text := "path,labels\n"
	for i, file := range []string{"blue/00.png", "blue/01.jpg", "blue/02.png", "green/00.png", "green/01.jpg", "red/00.png", "red/01.jpg"} {
		text += fmt.Sprintf("val/%s,%s\n", file, []string{"blue", "blue|green", "green|other", ""}[i%4])
	}
	list = filepath.Join(dir, "labels.csv")
	if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path, list
}

// TestEvaluateMultiLabel: the measures are those of the file of predictions; thresholds are stored, and then used by
// evaluation and prediction.
func TestEvaluateMultiLabel(t *testing.T) {
	path, list := multiLabelFile(t)
	dir := t.TempDir()
	c := EvalConfig{Weights: path, Data: list, BatchSize: 3, Options: onCPU, Predictions: filepath.Join(dir, "p.csv"), Thresholds: filepath.Join(dir, "best.safetensors")}
	r, err := EvaluateMultiLabel(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Images != 7 || !slices.Equal(r.Unknown, []string{"other"}) || !slices.Equal(r.Missing, []string{"yellow"}) || r.OwnThresholds {
		t.Errorf("%+v", r)
	}
	e, err := measure(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	probabilities, labels := readMultiLabel(t, c.Predictions, []string{"blue", "green", "yellow"})
	for i, x := range e.score.multi.Scores {
		if probabilities[i] != metrics.Sigmoid(x) || labels[i] != e.score.multi.Labels[i] {
			t.Errorf("value %d of the file: %v, %v; want %v, %v", i, probabilities[i], labels[i], metrics.Sigmoid(x), e.score.multi.Labels[i])
		}
	}
	if got := metrics.MeanDefined(e.score.multi.AveragePrecision()); got != r.MAP || len(probabilities) != 3*r.Images {
		t.Errorf("mAP %v, want %v; %d probabilities", r.MAP, got, len(probabilities))
	}
	yellow := r.Classes[2]
	if yellow.AP != nil || yellow.Support != 0 || r.Classes[0].Support != 4 || r.Classes[1].Support != 4 {
		t.Errorf("classes %+v", r.Classes)
	}
	after, err := EvaluateMultiLabel(t.Context(), EvalConfig{Weights: c.Thresholds, Data: list, Options: onCPU})
	if err != nil || !after.OwnThresholds || math.Abs(after.Macro.F1-r.BestMacroF1) > 1e-12 || after.MAP != r.MAP {
		t.Errorf("with thresholds macro F1 %v, best %v, error %v", after.Macro.F1, r.BestMacroF1, err)
	}
	for i, k := range after.Classes {
		if want := r.Classes[i].BestThreshold; k.Support > 0 && k.Threshold != want {
			t.Errorf("threshold of %s is %v, want %v", k.Class, k.Threshold, want)
		}
	}
	image := filepath.Join(filepath.Dir(list), "val/blue/00.png")
	for _, file := range []string{path, c.Thresholds} {
		checkPrediction(t, file, image, e.score.multi.Scores[:3])
	}
}

// checkPrediction compares a prediction with the thresholds of the weights, and with lower and higher ones that replace them.
func checkPrediction(t *testing.T, file, image string, logits []float32) {
	t.Helper()
	w, err := formats.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	thresholds, _, err := w.Thresholds()
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range []float64{0, 1e-6, 0.999999} {
		list, err := Predict(t.Context(), PredictConfig{Weights: file, Threshold: given, Options: onCPU}, []string{image})
		if err != nil {
			t.Fatal(err)
		}
		predicted := map[string]float64{}
		for _, p := range list[0].Top {
			predicted[p.Class] = p.Probability
		}
		for i, name := range w.Classes {
			p, is := predicted[name]
			threshold := cmp.Or(given, thresholds[i])
			if want := metrics.Sigmoid(logits[i]); is != (want >= threshold) || is && math.Abs(p-want) > 1e-5 {
				t.Errorf("%s: %s is predicted: %v with %v; probability %v, threshold %v", filepath.Base(file), name, is, p, want, threshold)
			}
		}
	}
}

// readMultiLabel reads a file of predictions: probabilities and labels, (images, classes).
func readMultiLabel(t *testing.T, path string, classes []string) (probabilities []float64, labels []bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || strings.Join(rows[0], ",") != "image,labels,predicted,"+strings.Join(classes, ",") {
		t.Fatalf("%q: %v", rows[0], err)
	}
	for _, row := range rows[1:] {
		for i, name := range classes {
			var p float64
			if _, err := fmt.Sscan(row[3+i], &p); err != nil {
				t.Fatal(err)
			}
			probabilities = append(probabilities, p)
			labels = append(labels, slices.Contains(strings.Split(row[1], "|"), name))
			if says := slices.Contains(strings.Split(row[2], "|"), name); says != (p >= 0.5) {
				t.Errorf("%s: %s predicted: %v, probability %v", row[0], name, says, p)
			}
		}
	}
	return probabilities, labels
}

// TestMultiLabelOfSingleLabels: class folders measure multi-label weights too, each image with one label.
func TestMultiLabelOfFolders(t *testing.T) {
	path, _ := multiLabelFile(t)
	r, err := EvaluateMultiLabel(t.Context(), EvalConfig{Weights: path, Data: testset.Images(t, 1, 3), Options: onCPU, TTA: TTAFlip})
	if err != nil || r.Images != 9 || r.Classes[0].Support != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestEvaluateMultiLabelRefuses: what is defined for one class per image alone.
func TestEvaluateMultiLabelRefuses(t *testing.T) {
	path, list := multiLabelFile(t)
	single := written(t)
	for _, c := range []struct {
		name     string
		config   EvalConfig
		evaluate func(EvalConfig) error
		want     string
	}{
		{"comparison", EvalConfig{Weights: path, Data: list, Compare: path}, evaluateMulti(t), "--compare tests a difference of top-1"},
		{"calibration", EvalConfig{Weights: path, Data: list, Calibrated: "c.safetensors"}, evaluateMulti(t), "--thresholds stores the best threshold"},
		{"in place of the weights", EvalConfig{Weights: path, Data: list, Thresholds: path}, evaluateMulti(t), "choose another name"},
		{"weights of one class an image", EvalConfig{Weights: single, Data: list}, evaluateSingle(t), "the weights predict one class for each image"},
		{"thresholds of such weights", EvalConfig{Weights: single, Data: testset.Images(t, 1, 2), Thresholds: "t.safetensors"}, evaluateSingle(t), "--calibrated calibrates their probabilities"},
		{"the wrong function", EvalConfig{Weights: path, Data: list}, evaluateSingle(t), "EvaluateMultiLabel"},
	} {
		c.config.Options = onCPU
		if err := c.evaluate(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func evaluateMulti(t *testing.T) func(EvalConfig) error {
	return func(c EvalConfig) error { _, err := EvaluateMultiLabel(t.Context(), c); return err }
}

func evaluateSingle(t *testing.T) func(EvalConfig) error {
	return func(c EvalConfig) error { _, err := Evaluate(t.Context(), c); return err }
}

// TestMultiLabelScore: losses and exact matches, by hand.
func TestMultiLabelScore(t *testing.T) {
	var s Score
	s.AddBatch([]float32{2, -1 /**/, 2, -1 /**/, -300, 300}, &data.Batch{N: 3, Targets: []float32{1, 0 /**/, 1, 1 /**/, 1, 0}})
	softplus := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	want := (softplus(-2)+softplus(-1))/2 + (softplus(-2)+softplus(1))/2 + 300
	if s.Images != 3 || s.Top1 != 1 || math.Abs(s.Loss-want) > 1e-6 {
		t.Errorf("%+v, want loss %v", s, want)
	}
	if got := s.MAP(); math.Abs(got-(1+1./3)/2) > 1e-12 { // class 0: all three; class 1: one of three at the threshold of a tie
		t.Errorf("mAP %v", got)
	}
}

func TestMeanSigmoid(t *testing.T) {
	a := []float32{float32(math.Log(3)), 200, -200} // 0.75, 1, 0
	meanSigmoid(a, []float32{0, 0, 0})
	for i, want := range []float64{0.625, 0.75, 0.25} {
		if got := metrics.Sigmoid(a[i]); math.Abs(got-want) > 1e-6 {
			t.Errorf("probability %v, want %v", got, want)
		}
	}
}

// TestDivergedMultiLabelWeights: logits that are not finite have no rank, so there is no mAP.
func TestDivergedMultiLabelWeights(t *testing.T) {
	path, list := multiLabelFile(t)
	w, err := formats.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	bias, ok := w.Arrays[len(w.Arrays)-1].Data.Data().([]float32)
	if !ok {
		t.Fatal("no float32")
	}
	bias[1] = float32(math.NaN())
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	_, err = EvaluateMultiLabel(t.Context(), EvalConfig{Weights: path, Data: list, BatchSize: 3, Options: onCPU})
	if err == nil || !strings.Contains(err.Error(), "the logit of green for ") || !strings.Contains(err.Error(), "is NaN: the weights are damaged or their training diverged") {
		t.Errorf("%v", err)
	}
}
