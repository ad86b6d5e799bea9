// Package deploytest has small networks with every kind of layers and every padding, and the logits that PyTorch computes
// with them, for tests of formats that hold operations.
package deploytest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// Case is a network with two images.
type Case struct {
	Name    string
	Weights weights.Weights
	Images  []float32 // (Batch, C, H, W) of the graph's input, in -1.75..1.75
	Logits  []float64 // (Batch, classes), of PyTorch in float64: testdata/make.py
}

// Batch is the number of images of a case.
const Batch = 2

//go:embed testdata/logits.json
var logits []byte

// Cases returns all cases.
func Cases(t testing.TB) []Case {
	t.Helper()
	list, err := graphs()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{}
	if err := json.Unmarshal(logits, &want); err != nil {
		t.Fatal(err)
	}
	cases := make([]Case, len(list))
	for i, g := range list {
		w, err := Weights(g)
		if err != nil {
			t.Fatal(err)
		}
		cases[i] = Case{g.Name, w, Formula("images", Batch*int(g.Input.Values()), -1.75, 1.75), want[g.Name]}
		if len(cases[i].Logits) != Batch*g.Classes() {
			t.Fatalf("%s: %d logits in testdata/logits.json, want %d: run testdata/make.py", g.Name, len(cases[i].Logits), Batch*g.Classes())
		}
	}
	return cases
}

// Weights fills a graph's arrays by [Formula]. The classes have names with and without ASCII.
func Weights(g *models.Graph) (weights.Weights, error) {
	w := weights.Weights{Graph: g, Meta: map[string]string{weights.MetaBest: `{"step":7}`},
		Preprocess: data.Preprocess{Resolution: 32, Fit: data.FitCrop, Resize: 36, Mean: [3]float64{0.485, 0.456, 0.406}, Std: [3]float64{0.229, 0.224, 0.225}}}
	for i := range g.Classes() {
		w.Classes = append(w.Classes, fmt.Sprintf("größe \"%d\"", i))
	}
	for _, a := range g.Arrays() {
		shape := make([]int, len(a.Shape))
		for i, d := range a.Shape {
			shape[i] = int(d)
		}
		low, high := valueRange(a)
		array, err := checkpoints.NewArray(a.Name, Formula(a.Name, a.Size(), low, high), shape...)
		if err != nil {
			return w, err
		}
		w.Arrays = append(w.Arrays, array)
	}
	return w, nil
}

// valueRange is the range of an array's values. make.py has the same.
func valueRange(a models.Array) (low, high float64) {
	switch {
	case strings.HasSuffix(a.Name, ".running_var"):
		return 0.5, 2
	case a.Role == models.RoleNorm && strings.HasSuffix(a.Name, ".weight"):
		return 0.5, 1.5
	case len(a.Shape) > 1:
		inputs := 1.0
		for _, d := range a.Shape[1:] {
			inputs *= float64(d)
		}
		return -math.Sqrt(6 / inputs), math.Sqrt(6 / inputs)
	}
	return -0.3, 0.3
}

// Formula returns n values in low..high that depend on a name: SplitMix64 from its FNV-1a hash. make.py has the same.
func Formula(name string, n int, low, high float64) []float32 {
	h := fnv.New64a()
	h.Write([]byte(name))
	seed := h.Sum64()
	list := make([]float32, n)
	for i := range list {
		z := uint64(i+1)*0x9E3779B97F4A7C15 + seed
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		list[i] = float32(low + (high-low)*(float64(z>>40)/(1<<24)))
	}
	return list
}
