package onnx

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/formats/deploy/deploytest"
)

var (
	update = flag.Bool("update", false, "write testdata/digests.json")
	dir    = flag.String("files", "", "folder in which to write the files for testdata/check.py")
)

// TestGolden: the files are those that onnx, ONNX Runtime and OpenVINO have read. After an intended change:
//
//	go test ./formats/onnx -run TestGolden -update -files DIR && python formats/onnx/testdata/check.py DIR
func TestGolden(t *testing.T) {
	got := map[string]string{}
	for _, c := range deploytest.Cases(t) {
		for _, o := range goldenOptions(c) {
			b := write(t, c.Weights, o.keep, o.options)
			sum := sha256.Sum256(b)
			if *dir != "" {
				writeForCheck(t, fmt.Sprint(len(got)), c, o, b)
			}
			got[c.Name+", "+o.name] = hex.EncodeToString(sum[:])
		}
	}
	file := filepath.Join("testdata", "digests.json")
	if *update {
		writeJSON(t, file, got)
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(got) {
		t.Errorf("%d digests, want %d", len(got), len(want))
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: the file differs", name)
		}
	}
}

type golden struct {
	name    string
	keep    bool
	options Options
}

// goldenOptions are the options of the files in testdata/digests.json.
func goldenOptions(c deploytest.Case) []golden {
	list := []golden{{"folded", false, Options{}}, {"batch norm kept", true, Options{}}, {"float16", false, Options{Float16: true}}}
	if c.Weights.Graph.Input.Channels == 3 {
		list = append(list, golden{"pixels", false, Options{Uint8Input: true}})
	}
	return list
}

// writeForCheck writes a file, and beside it what check.py needs.
func writeForCheck(t *testing.T, name string, c deploytest.Case, o golden, file []byte) {
	path := filepath.Join(*dir, name)
	if err := os.WriteFile(path+".onnx", file, 0o644); err != nil {
		t.Fatal(err)
	}
	in, p := c.Weights.Graph.Input, c.Weights.Preprocess
	writeJSON(t, path+".json", map[string]any{"name": c.Name + ", " + o.name, "images": c.Images, "logits": c.Logits,
		"shape": []int{deploytest.Batch, in.Channels, in.Height, in.Width}, "mean": p.Mean, "std": p.Std, "option": o.name})
}

func writeJSON(t *testing.T, path string, v any) {
	text, err := json.MarshalIndent(v, "", " ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
