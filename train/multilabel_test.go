package train

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report"
)

// TestMultiLabelTrains: a run on a CSV file learns, records mAP, and its weights say what they are. The recorded mAP is that
// of an evaluation.
func TestMultiLabelTrains(t *testing.T) {
	path := testset.MultiLabelList(t, testset.Images(t, 14, 5))
	g, err := smallGraph(4)
	if err != nil {
		t.Fatal(err)
	}
	c := small(t, path)
	c.Epochs, c.Augment, c.LabelSmoothing, c.PosWeight = 5, "none", 0, config.PosWeightBalanced
	result, events := fitBy(t, Trainer{Graph: g}, c)
	if result.Best.MAP < 0.99 { // 1 from the first epoch on. MobileNet learns little here: its last layers are 1x1, batch norm over 8 values
		t.Errorf("best mAP %v", result.Best.MAP)
	}
	epochs := 0
	for _, e := range events {
		switch e := e.(type) {
		case report.Start:
			if !e.MultiLabel {
				t.Error("the run does not start as multi-label")
			}
		case report.Epoch:
			epochs++
			if e.ValMAP <= 0 || e.Best && e.ValMAP > result.Best.MAP {
				t.Errorf("epoch %d: mAP %v, best %v", e.Epoch, e.ValMAP, result.Best.MAP)
			}
		case report.Done:
			if e.BestMAP != result.Best.MAP {
				t.Errorf("the end says mAP %v, want %v", e.BestMAP, result.Best.MAP)
			}
		}
	}
	if epochs != c.Epochs {
		t.Errorf("%d epochs", epochs)
	}
	if text := string(testset.Contents(t, filepath.Join(result.Dir, metricsFile))); !strings.Contains(text, ",best,val_map,ema_val_map\n") {
		t.Errorf("metrics.csv:\n%s", text)
	}
	w, err := formats.Read(result.Dir)
	if err != nil {
		t.Fatal(err)
	}
	best, _, err := w.Validation()
	if err != nil || best.MAP != result.Best.MAP || !w.MultiLabel() || !slices.Equal(w.Classes, []string{"blue", "green", "red", "warm"}) {
		t.Errorf("best %+v, multi-label %v, classes %q, error %v", best, w.MultiLabel(), w.Classes, err)
	}
	r, err := classify.EvaluateMultiLabel(t.Context(), classify.EvalConfig{Weights: result.Dir, Data: path, Options: backend.Options{Device: "cpu", Backend: "auto", Precision: "fp32", Threads: 1}})
	if err != nil || math.Abs(r.MAP-result.Best.MAP) > 1e-9 || r.Images != 15 {
		t.Errorf("evaluation: mAP %v of %d images, %v; the run recorded %v", r.MAP, r.Images, err, result.Best.MAP)
	}
}

// TestMultiLabelSplit: a list without parts is divided by --val-split, and evaluation measures the same images.
func TestMultiLabelSplit(t *testing.T) {
	dir := testset.Images(t, 14, 0)
	path := testset.MultiLabelList(t, dir)
	text := strings.NewReplacer(",split\n", "\n", ",train\n", "\n").Replace(string(testset.Contents(t, path)))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := small(t, path)
	c.ValSplit, c.MaxSteps = 0.25, 4
	result := fit(t, c)
	r, err := classify.EvaluateMultiLabel(t.Context(), classify.EvalConfig{Weights: result.Dir, Data: path, Options: backend.Options{Device: "cpu", Backend: "auto", Precision: "fp32", Threads: 1}})
	if err != nil || math.Abs(r.MAP-result.Best.MAP) > 1e-9 || !strings.Contains(r.Measured, "held out (--val-split 0.25)") {
		t.Errorf("evaluation: mAP %v, %q, %v; the run recorded %v", r.MAP, r.Measured, err, result.Best.MAP)
	}
}

// TestMultiLabelRefuses: settings and data that do not go together.
func TestMultiLabelRefuses(t *testing.T) {
	dir := testset.Images(t, 4, 2)
	list := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rows := "path,label,split\ntrain/blue/00.png,blue,train\ntrain/blue/01.jpg,blue,train\nval/blue/04.png,blue,val\n"
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"weights of one class an image", func(c *config.Config) { c.PosWeight = config.PosWeightBalanced }, "--pos-weight balanced weighs the classes of multi-label data"},
		{"one class", func(c *config.Config) { c.Data = list("one.csv", rows) }, `has the label "blue": a classifier needs two or more`},
		{"no validation rows", func(c *config.Config) {
			c.Data = list("train.csv", strings.ReplaceAll(rows+"train/red/00.png,red|blue,train\n", ",val\n", ",train\n"))
		}, "--val-split 0.1"},
		{"validation without a known label", func(c *config.Config) {
			c.Data = list("x.csv", strings.ReplaceAll(rows, "blue,val", "other,val")+"train/red/00.png,red|blue,train\n")
		}, "none of the 1 validation images has a label of a class of train"},
		{"a folder of images without a list", func(c *config.Config) { c.Images = dir }, "--images is the folder of the images that a CSV file lists"},
		{"a delimiter that there is not", func(c *config.Config) { c.LabelDelimiter = "/" }, "label_delimiter"},
	} {
		config := small(t, dir)
		c.change(&config)
		_, err := Fit(t.Context(), config, ignore)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestOneClassAgainstNone: an image has the class or not.
func TestOneClassAgainstNone(t *testing.T) {
	dir := testset.Images(t, 8, 4)
	text := "path,blue,split\n"
	for _, part := range []string{"train", "val"} {
		files, err := filepath.Glob(filepath.Join(dir, part, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text += fmt.Sprintf("%s,%d,%s\n", file, map[bool]int{true: 1}[strings.Contains(file, "blue")], part)
		}
	}
	path := filepath.Join(dir, "blue.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := small(t, path)
	c.Epochs, c.Augment, c.MultiLabel = 15, "none", true
	if result := fit(t, c); result.Best.MAP < 0.9 {
		t.Errorf("best mAP %v", result.Best.MAP)
	}
}

// TestChangedLabels: a run is not continued with other labels.
func TestChangedLabels(t *testing.T) {
	path := testset.MultiLabelList(t, testset.Images(t, 6, 2))
	c := small(t, path)
	c.MaxSteps = 2
	fit(t, c)
	c.Resume, c.MaxSteps = "auto", 4
	text := strings.Replace(string(testset.Contents(t, path)), "blue,train", "blue|warm,train", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Fit(t.Context(), c, ignore); err == nil || !strings.Contains(err.Error(), "the images are not the same files") && !strings.Contains(err.Error(), "max-steps") {
		t.Errorf("error %v", err)
	}
}

// TestOwnLossOfMultiLabel: a caller's loss receives the targets.
func TestOwnLossOfMultiLabel(t *testing.T) {
	c := small(t, testset.MultiLabelList(t, testset.Images(t, 6, 2)))
	c.MaxSteps, c.MixUp, c.Accumulate, c.ClipGradNorm = 3, 0.5, 2, 1e6 // a limit that is not reached, so that the norm is computed
	mixed := 0
	trainer := Trainer{Loss: Loss{Name: "squares", Compute: func(s *autograd.Scope, logits *autograd.Tensor, t autograd.Targets) *autograd.Tensor {
		for _, v := range t.MultiLabel {
			if v > 0 && v < 1 {
				mixed++
			}
		}
		return s.Mean(s.Square(s.Subtract(logits, autograd.FromSlice(s, t.MultiLabel, logits.Shape()...))))
	}}}
	result, events := fitBy(t, trainer, c)
	if result.Step != 3 || mixed == 0 {
		t.Errorf("%d steps, %d mixed targets", result.Step, mixed)
	}
	for _, e := range events {
		if e, ok := e.(report.Step); ok && !(e.Loss > 0 && e.GradNorm > 0) {
			t.Errorf("step %d: loss %v, norm of the gradients %v", e.Step, e.Loss, e.GradNorm)
		}
	}
}

// TestPosWeights: negatives over positives.
func TestPosWeights(t *testing.T) {
	c := small(t, testset.MultiLabelList(t, testset.Images(t, 12, 2)))
	c.PosWeight = config.PosWeightBalanced
	withRun(t, c, func(_ *autograd.Scope, r *run) {
		counts, err := json.Marshal(r.images.train.Counts())
		want := []float32{26. / 10, 26. / 10, 26. / 10, 16. / 20}
		if err != nil || string(counts) != "[10,10,10,20]" || !slices.Equal(r.posWeight, want) {
			t.Errorf("counts %s, weights %v, want %v", counts, r.posWeight, want)
		}
	})
}
