package formats

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats/deploy/deploytest"
	"depthwise.dev/internal/validate"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// exportONNX exports weights, with an origin, to a file in dir and returns its bytes.
func exportONNX(t *testing.T, dir, name string, o WriteOptions) []byte {
	t.Helper()
	w := weightstest.New(t)
	if err := w.SetPublishedOrigin(weights.Origin{Name: "timm/mobilenetv1_100", License: "apache-2.0"}); err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, name)
	if err := w.Write(from); err != nil {
		t.Fatal(err)
	}
	if err := Export(ExportOptions{Weights: from, Output: to, WriteOptions: o}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestExportONNX: the metadata of the native format is in the file, so no sidecar is beside it, and the bytes depend on
// weights and options only.
func TestExportONNX(t *testing.T) {
	dir := t.TempDir()
	first := exportONNX(t, dir, "a.onnx", WriteOptions{})
	for _, want := range []string{`["b","a","ü"]`, `{0: "b", 1: "a", 2: "ü"}`, "[32, 32]", `"arch":"mobilenet_v1"`, `"mean":[0.485,0.456,0.406]`,
		`"license":"apache-2.0"`, "conv_stem.weight", "depthwise"} {
		if !bytes.Contains(first, []byte(want)) {
			t.Errorf("the file does not contain %s", want)
		}
	}
	if bytes.Contains(first, []byte("running_var")) || bytes.Contains(first, []byte("step")) {
		t.Error("the file has batch norms, or state of training")
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); files != nil {
		t.Errorf("beside it is %v", files)
	}
	for _, c := range []struct {
		name string
		o    WriteOptions
		same bool
		want string // in the file
	}{
		{"again", WriteOptions{}, true, ""},
		{"fp32 by name", WriteOptions{DType: Float32}, true, ""},
		{"batch norm kept", WriteOptions{KeepBatchNorm: true}, false, "running_var"},
		{"pixels", WriteOptions{Uint8Input: true}, false, "input.normalized"},
		{"float16", WriteOptions{DType: Float16}, false, "weight.float32"},
	} {
		b := exportONNX(t, dir, "b.onnx", c.o)
		if bytes.Equal(b, first) != c.same || !bytes.Contains(b, []byte(c.want)) {
			t.Errorf("%s: %d bytes, without options %d, %q in it %v", c.name, len(b), len(first), c.want, bytes.Contains(b, []byte(c.want)))
		}
	}
}

// TestExportONNXOfGraphs: graphs of a caller's own are exported, with their layers in the metadata.
func TestExportONNXOfGraphs(t *testing.T) {
	dir := t.TempDir()
	for _, c := range deploytest.Cases(t) {
		from, to := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "w.onnx")
		if err := c.Weights.Write(from); err != nil {
			t.Fatal(err)
		}
		if err := Export(ExportOptions{Weights: from, Output: to}); err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		b, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		graph, err := json.Marshal(c.Weights.Graph)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, graph) {
			t.Errorf("%s: the metadata have not its layers", c.Name)
		}
	}
}

// TestONNXRefuses: an error names what is wrong, and the output stays as it was.
func TestONNXRefuses(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "w.onnx")
	w := weightstest.New(t)
	values, err := checkpoints.Values[float32](w.Arrays[0])
	if err != nil {
		t.Fatal(err)
	}
	values[1] = 1e6
	if err := errors.Join(w.Write(from), os.WriteFile(to, []byte("old"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		o    WriteOptions
		want string
	}{
		{"beyond float16", WriteOptions{DType: Float16}, `array "conv_stem.weight" holds 999`}, // folded with variance 1 and eps 1e-5
		{"bfloat16", WriteOptions{DType: BFloat16}, "the format onnx does not have it"},
	} {
		err := Export(ExportOptions{Weights: from, Output: to, WriteOptions: c.o})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		if _, ok := errors.AsType[*validate.Error](err); ok != (c.o.DType == BFloat16) {
			t.Errorf("%s: %T", c.name, err)
		}
		if b, err := os.ReadFile(to); err != nil || string(b) != "old" {
			t.Errorf("%s: the output has %d bytes, %v", c.name, len(b), err)
		}
	}
}

// TestIsONNX: files of other programs are recognized, so that --weights can say what they are.
func TestIsONNX(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       bool
	}{
		{"this program", "\x08\x08\x12\x09depthwise", true},
		{"PyTorch", "\x08\x08\x12\x07pytorch\x1a\x052.1.0", true},
		{"onnx.helper without a producer", "\x08\x0a:\x90\x03", true},
		{"opset first", "\x08\x07B\x04\x0a\x00\x10\x11", true},
		{"text", "\x08\x08hello", false},
		{"version 0", "\x08\x00\x12\x07pytorch", false},
		{"short", "\x08\x08\x12", false},
		{"safetensors", "\x10\x00\x00\x00\x00\x00\x00\x00{}", false},
	} {
		if got := isONNX([]byte(c.head)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
