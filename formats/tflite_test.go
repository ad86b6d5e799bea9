package formats

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/internal/validate"
	"depthwise.dev/weights/weightstest"
)

// TestExportTFLite: the options of an export reach the file, and others are refused before anything is written.
func TestExportTFLite(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "w.safetensors")
	if err := weightstest.New(t).Write(from); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for _, c := range []struct {
		name    string
		o       WriteOptions
		refused string
		holds   string // a name of a tensor
	}{
		{"default", WriteOptions{}, "", "conv_stem.weight\x00"},
		{"fp32", WriteOptions{DType: Float32}, "", "conv_stem.weight\x00"},
		{"fp16", WriteOptions{DType: Float16}, "", "conv_stem.weight/float32\x00"},
		{"pixels", WriteOptions{Uint8Input: true}, "", "normalization.scale\x00"},
		{"bf16", WriteOptions{DType: BFloat16}, "dtype", ""},
		{"batch norms kept", WriteOptions{KeepBatchNorm: true}, "fold-batch-norm", ""},
	} {
		to := filepath.Join(dir, c.name+".tflite")
		err := Export(ExportOptions{Weights: from, Output: to, WriteOptions: c.o})
		if e, ok := errors.AsType[*validate.Error](err); (err != nil) != (c.refused != "") || err != nil && (!ok || e.Fields[0].Field != c.refused) {
			t.Errorf("%s: error %v", c.name, err)
		}
		file, err := os.ReadFile(to)
		if (err != nil) != (c.refused != "") || !strings.Contains(string(file), c.holds) {
			t.Errorf("%s: %d bytes, error %v; want a tensor %q", c.name, len(file), err, c.holds)
		}
		sizes[c.name] = len(file)
	}
	if sizes["fp32"] != sizes["default"] || sizes["fp16"] > sizes["fp32"]*7/10 || sizes["pixels"] <= sizes["fp32"] {
		t.Errorf("sizes %v", sizes)
	}
	_, err := Read(filepath.Join(dir, "fp32.tflite"))
	if want := "can only be written; name the weights that it was exported from"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
