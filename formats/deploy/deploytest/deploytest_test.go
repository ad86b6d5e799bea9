package deploytest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"depthwise.dev/models"
)

var update = flag.Bool("update", false, "write testdata/graphs.json; then run testdata/make.py")

// TestGraphs: testdata/graphs.json, from which PyTorch computed the logits, has the graphs of the cases.
func TestGraphs(t *testing.T) {
	list, err := graphs()
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	for _, g := range list {
		line, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	got := slices.Concat([]byte("[\n"), bytes.Join(lines, []byte(",\n")), []byte("\n]\n"))
	file := filepath.Join("testdata", "graphs.json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("the graphs differ from testdata/graphs.json: run go test -update and testdata/make.py")
	}
}

// TestCasesCoverKinds: a new kind of layers, activation function or padding needs a case.
func TestCasesCoverKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Cases(t) {
		for _, l := range c.Weights.Graph.Layers {
			seen[string(l.Kind)] = true
			seen["padding "+string(l.Padding)] = true
			if l.Activation != nil {
				seen[string(l.Activation.Function)+" behind "+string(l.Kind)] = true
			}
		}
	}
	var want []string
	for _, k := range models.Kinds() {
		want = append(want, string(k))
	}
	for _, p := range models.Paddings {
		want = append(want, "padding "+string(p))
	}
	for _, f := range models.Functions {
		want = append(want, string(f)+" behind activation", string(f)+" behind conv")
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("no case has %s", w)
		}
	}
}
