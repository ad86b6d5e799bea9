package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/internal/testset"
	"depthwise.dev/report/page"
)

// TestReportOfMultiLabelRun: a multi-label run writes its report, whose numbers are those of train eval, and train report writes the
// same again, from the predictions of train eval too.
func TestReportOfMultiLabelRun(t *testing.T) {
	data, run := testset.MultiLabelList(t, pictures(t)), filepath.Join(t.TempDir(), "run")
	done(t, small(data, "--out", run, "--epochs", "2", "--precision", "fp32", "--ema-decay", "0.5")...)
	text := content(t, run, page.File)
	other := filepath.Join(t.TempDir(), "predictions.csv")
	var r classify.MultiLabelResult
	decode(t, done(t, "eval", "--weights", run, "--data", data, "--device", "cpu", "--json", "--predictions", other), &r)
	got := figures(t, text)
	for name, want := range map[string]float64{"Best validation mAP": r.MAP, "Exact match": r.Exact, "Validation loss": r.Loss, "Macro F1": r.Macro.F1, "Micro F1": r.Micro.F1} {
		if v, ok := got[name]; !ok || math.Abs(v-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	for _, want := range []string{"2 of 2", "Training batch", "Layers after epoch 2", "validation mAP", "mAP, average", "there is no confusion matrix", "Worst mistakes"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, unwanted := range []string{"top-1", "Least certain", "of other weights"} {
		if strings.Contains(text, unwanted) {
			t.Errorf("the page has %q", unwanted)
		}
	}
	extra, err := page.ReadExtra(run)
	if err != nil || len(extra.Worst) == 0 || len(extra.Worst[0].JPEG) == 0 || extra.Worst[0].MultiLabel == nil {
		t.Errorf("%d worst mistakes, %v", len(extra.Worst), err)
	}
	if err := os.Remove(filepath.Join(run, page.File)); err != nil {
		t.Fatal(err)
	}
	done(t, "report", run)
	if content(t, run, page.File) != text {
		t.Error("train report writes another page")
	}
	if err := os.Rename(other, filepath.Join(run, page.PredictionsFile)); err != nil {
		t.Fatal(err)
	}
	done(t, "report", run)
	again := figures(t, content(t, run, page.File))
	for name, want := range got {
		if math.Abs(again[name]-want) > 1e-6 {
			t.Errorf("with the predictions of train eval %s is %v, want %v", name, again[name], want)
		}
	}
	if _, err := os.Stat(filepath.Join(run, "confusion_matrix.png")); err == nil {
		t.Error("a confusion matrix of multi-label data")
	}
}

// TestReportOfBothKinds: train report of a multi-label run and another says what is compared.
func TestReportOfBothKinds(t *testing.T) {
	dir, top := pictures(t), t.TempDir()
	data := testset.MultiLabelList(t, dir)
	t.Chdir(top)
	done(t, small(dir, "--out", "runs/a")...)
	done(t, small(data, "--out", "runs/b")...)
	done(t, "report", "runs/a", "runs/b")
	text := content(t, "comparison.html")
	for _, want := range []string{"best top-1 or mAP", "cannot be compared", "Validation mAP", "Validation top-1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestCopyBatchOfMultiLabel: the copy has the targets of its images, a row for each.
func TestCopyBatchOfMultiLabel(t *testing.T) {
	const images, classes = 32, 3
	b := data.Batch{N: images, Width: 8, Height: 8, Pixels: make([]uint8, images*3*8*8), Labels: make([]int64, images), Targets: make([]float32, images*classes)}
	for i := range images {
		b.Targets[i*classes+i%classes] = 1
	}
	p := copyBatch(&b, []string{"a", "b", "c"})
	if p.batch.N != batchImages || !slices.Equal(p.batch.Targets, b.Targets[:batchImages*classes]) {
		t.Errorf("%d images with %d targets", p.batch.N, len(p.batch.Targets))
	}
	picture, err := p.picture()
	if err != nil || !strings.Contains(picture.About, "any number of classes") {
		t.Errorf("%q, %v", picture.About, err)
	}
}
