package formats

import (
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/weights/weightstest"
)

func TestCheckOptions(t *testing.T) {
	for _, c := range []struct {
		name   string
		format Format
		o      WriteOptions
		want   string // "": no error
	}{
		{"zero value", safetensors, WriteOptions{}, ""},
		{"fp32 by name", npz, WriteOptions{DType: "fp32"}, ""},
		{"half precision of a format without it", npz, WriteOptions{DType: "fp16"}, `dtype "fp16": the format npz does not have it`},
		{"unknown type", npz, WriteOptions{DType: "float32"}, "dtype"},
		{"operations of a format that has none", safetensors, WriteOptions{KeepBatchNorm: true}, "fold-batch-norm false"},
		{"pixels", safetensors, WriteOptions{Uint8Input: true}, "uint8-input true"},
		{"option of the format", Format{Name: "x", Options: []Option{OptionUint8Input}}, WriteOptions{Uint8Input: true}, ""},
	} {
		err := c.format.Check(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestExportChecksOptions: an option that the format lacks is refused before anything is written.
func TestExportChecksOptions(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "w.npz")
	if err := weightstest.New(t).Write(from); err != nil {
		t.Fatal(err)
	}
	err := Export(ExportOptions{Weights: from, Output: to, WriteOptions: WriteOptions{DType: Float16}})
	if err == nil || !strings.Contains(err.Error(), "dtype") {
		t.Errorf("error %v", err)
	}
	if files, _ := filepath.Glob(to + "*"); files != nil {
		t.Errorf("wrote %v", files)
	}
}
