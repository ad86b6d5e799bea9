package formats

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// multiLabelWeights are multi-label weights of a variant, with thresholds.
func multiLabelWeights(t *testing.T, variant string) weights.Weights {
	t.Helper()
	w := weightstest.Variant(t, "mobilenet_v1", variant, 0.25, "a", "b", "c")
	w.Meta[weights.MetaTask] = weights.TaskMultiLabel
	w.Meta[weights.MetaBest] = `{"step":9,"epoch":3,"top1":0.5,"top5":0,"loss":0.25,"map":0.875}`
	if err := w.SetThresholds([]float64{0.25, 0.5, 0.75}); err != nil {
		t.Fatal(err)
	}
	return w
}

// exported writes weights in a format and returns the path.
func exported(t *testing.T, w weights.Weights, format, name string) string {
	t.Helper()
	dir := t.TempDir()
	source, output := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, name)
	if err := w.Write(source); err != nil {
		t.Fatal(err)
	}
	if err := Export(ExportOptions{Weights: source, Format: format, Output: output, ModelCard: true}); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return output
}

// TestMultiLabelExports: formats that can be read again keep the task and the thresholds; those that say what the
// outputs are say that they are independent.
func TestMultiLabelExports(t *testing.T) {
	for _, c := range []struct{ format, variant, name string }{
		{"safetensors", "paper", "x.safetensors"}, {"npz", "paper", "x.npz"}, {"timm", "timm", "x.safetensors"}, {"keras", "keras", "x.keras"},
		{"keras", "paper", "x.keras"}, {"h5", "article", "x.h5"}, {"hf", "hf", "x"},
	} {
		path := exported(t, multiLabelWeights(t, c.variant), c.format, c.name)
		w, err := Read(path)
		thresholds, found, errThresholds := w.Thresholds()
		if err != nil || errThresholds != nil || !w.MultiLabel() || !found || thresholds[2] != 0.75 {
			t.Errorf("%s of %s: multi-label %v, thresholds %v: %v", c.format, c.variant, w.MultiLabel(), thresholds, err)
		}
	}
	for _, variant := range []string{"keras", "paper", "article"} {
		if text := memberOf(t, exported(t, multiLabelWeights(t, variant), "keras", "x.keras"), "config.json"); !strings.Contains(text, `"sigmoid"`) || strings.Contains(text, `"softmax"`) {
			t.Errorf("keras of %s: %s", variant, text)
		}
	}
	config, err := os.ReadFile(filepath.Join(exported(t, multiLabelWeights(t, "hf"), "hf", "x"), "config.json"))
	if err != nil || !strings.Contains(string(config), `"problem_type": "multi_label_classification"`) {
		t.Errorf("%s, %v", config, err)
	}
	onnx, err := os.ReadFile(exported(t, multiLabelWeights(t, "paper"), "onnx", "x.onnx"))
	if err != nil || !strings.Contains(string(onnx), "before sigmoid") || strings.Contains(string(onnx), "before softmax") {
		t.Errorf("the description of the ONNX output: %v", err)
	}
	card, err := os.ReadFile(filepath.Join(filepath.Dir(exported(t, multiLabelWeights(t, "paper"), "onnx", "x.onnx")), "README.md"))
	for _, want := range []string{"mean average precision | 87.5 %", "exactly the right classes at 0.5 | 50.0 %", "thresholds = [0.25,0.5,0.75]\n\n\ndef preprocess", "- mean_average_precision", "value: 0.875",
		"probabilities = 1 / (1 + np.exp(-scores[0]))", "probabilities = scores[0]\n"} {
		if err != nil || !strings.Contains(string(card), want) {
			t.Errorf("the model card lacks %q: %v", want, err)
		}
	}
	if strings.Contains(string(card), "top-5") || strings.Contains(string(card), "argmax") {
		t.Errorf("the model card is that of one class an image:\n%s", card)
	}
}

// memberOf reads a file of a zip.
func memberOf(t *testing.T, path, name string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
