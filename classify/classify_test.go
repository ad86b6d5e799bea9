package classify

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/internal/validate"
	"depthwise.dev/weights/weightstest"
)

var onCPU = backend.Options{Device: "cpu", Threads: 1}

// written returns the file of weights of the classes blue, green and yellow.
func written(t *testing.T) string {
	t.Helper()
	w := weightstest.New(t)
	w.Classes = []string{"blue", "green", "yellow"}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := w.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEvaluate: classes are matched by name, unreadable images are skipped, and the scores are
// those of Predict.
func TestEvaluate(t *testing.T) {
	dir, path := testset.Images(t, 1, 5), written(t)
	bad := filepath.Join(dir, "val", "green", "02.png")
	if err := os.WriteFile(bad, []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, BatchSize: 4, Options: onCPU})
	if err != nil {
		t.Fatal(err)
	}
	if r.Images != 9 || strings.Join(r.Unknown, " ") != "red" || strings.Join(r.Missing, " ") != "yellow" || len(r.Skipped) != 1 || r.Skipped[0].Path != bad {
		t.Errorf("%+v", r)
	}
	files, err := filepath.Glob(filepath.Join(dir, "val", "[bg]*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := Predict(t.Context(), PredictConfig{Weights: path, Top: 3, BatchSize: 3, Options: onCPU}, files)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(bad)
	if of, err := Predict(t.Context(), PredictConfig{Weights: path, Options: onCPU}, []string{folder + "/"}); err != nil || !strings.Contains(of[0].Error, "a folder; give its images, such as "+folder+"/*") {
		t.Errorf("a folder: %+v, %v", of, err)
	}
	top1, loss, n := 0.0, 0.0, 0.0
	for _, p := range predictions {
		if (p.Error != "") != (p.Image == bad) || p.Error == "" && len(p.Top) != 3 {
			t.Fatalf("%+v", p)
		}
		for i, c := range p.Top {
			if c.Class == filepath.Base(filepath.Dir(p.Image)) {
				n++
				loss -= math.Log(c.Probability)
				if i == 0 {
					top1++
				}
			}
		}
	}
	// float32 logits of other batches
	if n != 9 || math.Abs(r.Top1-top1/n) > 1e-9 || r.Top5 != 1 || math.Abs(r.Loss-loss/n) > 1e-5 {
		t.Errorf("evaluation %+v; prediction has top-1 %v and loss %v on %v images", r, top1/n, loss/n, n)
	}
	limited, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, BatchSize: 4, Options: onCPU, Limit: 1})
	if err != nil || limited.Images < 3 || limited.Images > 4 {
		t.Errorf("limited to one batch: %d images, %v", limited.Images, err)
	}
}

// TestEvaluateUnnamed: weights of other tools have no names of classes; their order is that of the folders' names.
func TestEvaluateUnnamed(t *testing.T) {
	dir, w := testset.Images(t, 1, 5), weightstest.New(t)
	for _, c := range []struct {
		name    string
		classes []string
		images  int // 0: an error
		logged  int
	}{
		{"named", []string{"blue", "green", "red"}, 15, 0},
		{"numbers", []string{"0", "1", "2"}, 15, 1},
		{"numbers from 1", []string{"1", "2", "3"}, 0, 0},
	} {
		w.Classes = c.classes
		path, lines := filepath.Join(t.TempDir(), "w.safetensors"), 0
		if err := w.Write(path); err != nil {
			t.Fatal(err)
		}
		r, err := Evaluate(t.Context(), EvalConfig{Weights: path, Data: dir, Options: onCPU, Reading: formats.ReadOptions{Log: func(string) { lines++ }}})
		if (err != nil) != (c.images == 0) || r.Images != c.images || lines != c.logged {
			t.Errorf("%s: %+v, %d lines, %v", c.name, r, lines, err)
		}
	}
	for _, c := range []struct {
		name    string
		folders []string
		want    string
	}{
		{"as many", []string{"ant", "bee", "cat"}, "ant"},
		{"fewer", []string{"ant", "bee"}, "0"},
		{"a number among them", []string{"0", "bee", "cat"}, "0"},
	} {
		w.Classes = []string{"0", "1", "2"}
		nameClasses(&w, &data.Dataset{Classes: c.folders}, formats.ReadOptions{})
		if w.Classes[0] != c.want {
			t.Errorf("%s: class 0 is %s, want %s", c.name, w.Classes[0], c.want)
		}
	}
}

func TestEvaluateErrors(t *testing.T) {
	path, dir := written(t), testset.Images(t, 1, 1)
	other := weightstest.New(t) // classes b, a and ü
	stranger := filepath.Join(t.TempDir(), "other.safetensors")
	if err := other.Write(stranger); err != nil {
		t.Fatal(err)
	}
	damaged := weightstest.New(t)
	damaged.Meta["val_split"] = "some"
	torn := filepath.Join(t.TempDir(), "torn.safetensors")
	if err := damaged.Write(torn); err != nil {
		t.Fatal(err)
	}
	unreadable := testset.Images(t, 1, 1)
	images, err := filepath.Glob(filepath.Join(unreadable, "val", "*", "*"))
	if err != nil || len(images) == 0 {
		t.Fatal(images, err)
	}
	for _, image := range images {
		if err := os.Truncate(image, 40); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		config EvalConfig
		want   string
	}{
		{"unreadable images", EvalConfig{Weights: path, Data: unreadable, BatchSize: 2}, "can be read: " + images[0]},
		{"an address that nothing opens", EvalConfig{Weights: path, Data: "s3://bucket/val-{0..3}.tar", BatchSize: 1}, "set Remote"},
		{"classes of another data set", EvalConfig{Weights: stranger, Data: dir, BatchSize: 1}, `such as "b"`},
		{"no weights", EvalConfig{Weights: "nowhere", Data: dir, BatchSize: 1}, "nowhere"},
		{"no data", EvalConfig{Weights: path, Data: "nowhere", BatchSize: 1}, "nowhere"},
		{"damaged split", EvalConfig{Weights: torn, Data: dir, BatchSize: 1}, `"val_split" is "some"`},
	} {
		if _, err := Evaluate(t.Context(), c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	_, err = Evaluate(t.Context(), EvalConfig{BatchSize: -1, Workers: -2, Limit: -1, Options: backend.Options{Precision: "fp8"}})
	e, ok := errors.AsType[*validate.Error](err)
	if !ok || len(e.Fields) != 4 {
		t.Errorf("%v; want four wrong fields", err)
	}
}

func TestPredictArray(t *testing.T) {
	path, dir := written(t), t.TempDir()
	in, out := filepath.Join(dir, "in.npy"), filepath.Join(dir, "out.npy")
	write := func(shape ...int) {
		t.Helper()
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i%7) - 3
		}
		a, err := checkpoints.NewArray("x", values, shape...)
		if err == nil {
			err = checkpoints.WriteNPY(in, a.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(3, 3, 32, 32)
	if err := PredictArray(t.Context(), PredictConfig{Weights: path, BatchSize: 2, Options: onCPU}, in, out); err != nil {
		t.Fatal(err)
	}
	logits, err := checkpoints.ReadNPY(out)
	if err != nil || logits.Shape()[0] != 3 || logits.Shape()[1] != 3 {
		t.Errorf("logits %v, %v", logits, err)
	}
	write(3, 32, 32)
	if err := PredictArray(t.Context(), PredictConfig{Weights: path}, in, out); err == nil || !strings.Contains(err.Error(), "must be (N, 3, H, W)") {
		t.Errorf("three dimensions: %v", err)
	}
	if _, err := Predict(t.Context(), PredictConfig{Weights: path, Options: backend.Options{Device: "gpu"}}, nil); err == nil || !strings.Contains(err.Error(), `device "gpu"`) {
		t.Errorf("device: %v", err)
	}
}
