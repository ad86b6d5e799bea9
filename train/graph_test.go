package train

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/formats"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models"
	"depthwise.dev/report"
	"depthwise.dev/weights"
)

// backendNote returns the note that says which backend computes, and why.
func backendNote(t *testing.T, events []report.Event) string {
	t.Helper()
	var notes []string
	for _, e := range events {
		if n, ok := e.(report.Note); ok && strings.HasPrefix(n.Text, "backend ") {
			notes = append(notes, n.Text)
		}
	}
	if len(notes) != 1 {
		t.Fatalf("%d notes name the backend: %q", len(notes), notes)
	}
	return notes[0]
}

// TestGraphOfTheCaller: a network that no architecture has is trained, resumed to the same bytes,
// evaluated, used and exported.
func TestGraphOfTheCaller(t *testing.T) {
	c, trainer := small(t, testset.Images(t, 14, 3)), Trainer{Graph: graphOrFail(t)}
	c.Workers = 2
	result, events := fitBy(t, trainer, c)
	want := outcome(t, result)
	if note := backendNote(t, events); !strings.HasPrefix(note, "backend torch: ") || !strings.Contains(note, "the fused kernels") {
		t.Errorf("note %q, want that the fused kernels cannot compute the graph", note)
	}
	t.Run("interrupted", func(t *testing.T) { checkOutcome(t, outcome(t, interrupted(t, trainer, c)), want) })
	t.Run("killed", func(t *testing.T) { checkOutcome(t, outcome(t, killed(t, c, 3, true)), want) })
	t.Run("weights", func(t *testing.T) { checkGraphWeights(t, result.Dir, trainer.Graph) })
	t.Run("used", func(t *testing.T) { checkGraphUse(t, c, result) })
	t.Run("exported", func(t *testing.T) { checkGraphExport(t, result.Dir) })
}

// checkGraphWeights checks that the weights hold the graph, and not the name of an architecture.
func checkGraphWeights(t *testing.T, dir string, g *models.Graph) {
	f, err := checkpoints.Read(filepath.Join(dir, weights.BestFile))
	if err != nil {
		t.Fatal(err)
	}
	if f.Meta["model"] != "" || !strings.Contains(f.Meta["graph"], `"kind":"add"`) {
		t.Errorf("metadata %v", f.Meta)
	}
	w := readOrFail(t, dir)
	if w.Config != nil || !reflect.DeepEqual(w.Graph, g) || strings.Join(w.Classes, " ") != "blue green red" || len(w.Arrays) != len(g.Arrays()) {
		t.Errorf("weights of %v, %+v, %q, %d arrays", w.Graph, w.Config, w.Classes, len(w.Arrays))
	}
	text := string(testset.Contents(t, filepath.Join(dir, configFile)))
	if !strings.Contains(text, "arch: custom\nvariant: small CNN\n") {
		t.Errorf("%s says\n%s", configFile, text)
	}
}

// checkGraphUse evaluates and predicts with the weights of the run.
func checkGraphUse(t *testing.T, c config.Config, result Result) {
	onCPU := backend.Options{Device: "cpu", Threads: 1}
	score, err := classify.Evaluate(t.Context(), classify.EvalConfig{Weights: result.Dir, Data: c.Data, BatchSize: 8, Options: onCPU})
	if err != nil || score.Images != 9 || score.Top1 != result.BestTop1 {
		t.Errorf("%+v, %v; want 9 images and top-1 %v", score, err, result.BestTop1)
	}
	files, err := filepath.Glob(filepath.Join(c.Data, "val", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	predictions, err := classify.Predict(t.Context(), classify.PredictConfig{Weights: result.Dir, Top: 1, Options: onCPU}, files)
	if err != nil {
		t.Fatal(err)
	}
	right := 0.0
	for _, p := range predictions {
		if len(p.Top) == 1 && p.Top[0].Class == filepath.Base(filepath.Dir(p.Image)) {
			right++
		}
	}
	if got := right / float64(len(files)); got != score.Top1 {
		t.Errorf("prediction has top-1 %v, evaluation %v", got, score.Top1)
	}
}

// checkGraphExport compares exported arrays with those of the run.
func checkGraphExport(t *testing.T, dir string) {
	want, to := readOrFail(t, dir), t.TempDir()
	for _, name := range []string{"w.safetensors", "w.npz"} {
		if err := formats.Export(formats.ExportOptions{Weights: dir, Output: filepath.Join(to, name)}); err != nil {
			t.Fatal(err)
		}
	}
	got := readOrFail(t, filepath.Join(to, "w.safetensors"))
	if !reflect.DeepEqual(got.Arrays, want.Arrays) || !reflect.DeepEqual(got.Graph, want.Graph) || got.Preprocess != want.Preprocess {
		t.Errorf("exported %v with %d arrays, want %v with %d", got.Graph, len(got.Arrays), want.Graph, len(want.Arrays))
	}
	archive, err := zip.OpenReader(filepath.Join(to, "w.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != len(want.Arrays) {
		t.Fatalf("%d arrays in w.npz, want %d", len(archive.File), len(want.Arrays))
	}
	for i, member := range archive.File {
		path := filepath.Join(to, "a.npy")
		extract(t, member, path)
		a, err := checkpoints.ReadNPY(path)
		if err != nil || member.Name != want.Arrays[i].Name+".npy" || !reflect.DeepEqual(a.Data(), want.Arrays[i].Data.Data()) {
			t.Errorf("%s differs from %s: %v", member.Name, want.Arrays[i].Name, err)
		}
	}
}

func extract(t *testing.T, member *zip.File, path string) {
	t.Helper()
	r, err := member.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err == nil {
		err = os.WriteFile(path, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWrongTrainers: what cannot be trained on the data is refused before a folder is made.
func TestWrongTrainers(t *testing.T) {
	graph := func(in models.Shape, classes int) *models.Graph {
		g, err := models.Build("g", models.Input(in).Conv(models.Conv{Out: 4, Kernel: 3}).GlobalAvgPool().Linear(models.Linear{Out: classes}))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	square := models.Shape{Channels: 3, Height: 32, Width: 32}
	usual := models.ImageNetPreprocessing()
	change := func(f func(*models.Preprocessing)) models.Preprocessing {
		p := usual
		f(&p)
		return p
	}
	images := testset.Images(t, 3, 1)
	for _, test := range []struct {
		name    string
		trainer Trainer
		want    string
	}{
		{"classes", Trainer{Graph: graph(square, 4)}, `graph "g" has 4 outputs, the data 3 classes`},
		{"not square", Trainer{Graph: graph(models.Shape{Channels: 3, Height: 32, Width: 48}, 3)}, "images are square"},
		{"one channel", Trainer{Graph: graph(models.Shape{Channels: 1, Height: 32, Width: 32}, 3)}, "have three channels"},
		{"loss without a name", Trainer{Loss: Loss{Compute: squaredError}}, "the trainer's loss needs a function and a name"},
		{"optimizer without a function", Trainer{Optimizer: Optimizer{Name: "sgd"}}, "the trainer's optimizer needs a function and a name"},
		{"no crop fraction", Trainer{Graph: graph(square, 3), Preprocessing: models.Preprocessing{Std: usual.Std}}, "crop fraction 0: must be above 0"},
		{"no standard deviation", Trainer{Graph: graph(square, 3), Preprocessing: change(func(p *models.Preprocessing) { p.Std[1] = 0 })}, "standard deviation [0.229 0 0.225]: must be above 0"},
		{"interpolation", Trainer{Graph: graph(square, 3), Preprocessing: change(func(p *models.Preprocessing) { p.Interpolation = "nearest" })}, `interpolation "nearest": must be bilinear or bicubic`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := small(t, images)
			_, err := test.trainer.Fit(t.Context(), c, ignore)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if _, err := os.Stat(c.Out); !os.IsNotExist(err) {
				t.Error("a run's folder was made")
			}
		})
	}
}

// TestPreprocessingOfAGraph: the trainer's preprocessing is that of the images and of the weights.
func TestPreprocessingOfAGraph(t *testing.T) {
	c := small(t, testset.Images(t, 3, 1))
	c.Epochs = 1
	trainer := Trainer{Graph: graphOrFail(t), Preprocessing: models.Preprocessing{Mean: [3]float64{0.5, 0.4, 0.3}, Std: [3]float64{0.1, 0.2, 0.3}, CropFraction: 1}}
	result, _ := fitBy(t, trainer, c)
	p := readOrFail(t, result.Dir).Preprocess
	if p.Mean != trainer.Preprocessing.Mean || p.Std != trainer.Preprocessing.Std || p.Resize != 32 || p.Resolution != 32 {
		t.Errorf("the weights have %+v", p)
	}
}

// TestMobileNetV2: an architecture that the fused kernels lack is trained by libtorch and resumed
// exactly.
func TestMobileNetV2(t *testing.T) {
	c := small(t, testset.Images(t, 14, 3))
	c.Model.Arch, c.Model.Variant, c.Model.Dropout, c.Backend, c.Epochs = "mobilenet_v2", "torchvision", 0.2, "torch", 2
	result, events := fitBy(t, Trainer{}, c)
	if note := backendNote(t, events); note != "backend torch: requested" {
		t.Errorf("note %q", note)
	}
	want := outcome(t, result)
	t.Run("interrupted", func(t *testing.T) { checkOutcome(t, outcome(t, interrupted(t, Trainer{}, c)), want) })
	if w := readOrFail(t, result.Dir); w.Config == nil || w.Config.Arch != "mobilenet_v2" || w.Config.Variant != "torchvision" {
		t.Errorf("weights of %+v", w.Config)
	}
	lacking := "layer blocks.0.0.conv_pw: the fused kernels compute convolutions with batch norm and ReLU or ReLU6 only"
	t.Run("fused", func(t *testing.T) {
		c := c
		c.Out, c.Backend = filepath.Join(t.TempDir(), "run"), "fused"
		if _, err := Fit(t.Context(), c, ignore); err == nil || !strings.Contains(err.Error(), "--backend fused cannot compute mobilenet_v2") ||
			!strings.Contains(err.Error(), lacking) || !strings.Contains(err.Error(), "use --backend torch or auto") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("auto", func(t *testing.T) {
		c := c
		c.Out, c.Backend = filepath.Join(t.TempDir(), "run"), "auto"
		result, events := fitBy(t, Trainer{}, c)
		if note := backendNote(t, events); note != "backend torch: "+lacking {
			t.Errorf("note %q, want %q", note, lacking)
		}
		if got := outcome(t, result); got.final != want.final || got.best != want.best {
			t.Errorf("auto ends with %+v, torch with %+v", got, want)
		}
	})
}
