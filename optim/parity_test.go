package optim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/checkpoints"
)

// parityFolders lists the folders with optimizer cases: those of PARITY_DIR, by default of
// testdata/parity, written by testdata/make_parity.py.
func parityFolders(t *testing.T) []string {
	t.Helper()
	root := os.Getenv("PARITY_DIR")
	if root == "" {
		root = filepath.Join("testdata", "parity")
	}
	folders, err := filepath.Glob(filepath.Join(root, "optim*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no folder %s/optim* with cases (%v)", root, err)
	}
	return folders
}

// parityCase is an entry of cases.json: a class of PyTorch or timm with its settings.
type parityCase struct {
	Class       string     `json:"class"`
	Momentum    float64    `json:"momentum"`
	Dampening   float64    `json:"dampening"`
	WeightDecay float64    `json:"weight_decay"`
	Nesterov    bool       `json:"nesterov"`
	Alpha       float64    `json:"alpha"`
	Eps         float64    `json:"eps"`
	Centered    bool       `json:"centered"`
	Betas       [2]float64 `json:"betas"`
}

func (c parityCase) build(s *autograd.Scope, params []Parameter) (Optimizer, error) {
	switch c.Class {
	case "torch.optim.SGD":
		return NewSGD(s, params, SGD{Momentum: c.Momentum, Dampening: c.Dampening, WeightDecay: c.WeightDecay, Nesterov: c.Nesterov}), nil
	case "torch.optim.RMSprop":
		return NewRMSProp(s, params, RMSProp{Alpha: c.Alpha, Eps: c.Eps, Momentum: c.Momentum, WeightDecay: c.WeightDecay, Centered: c.Centered}), nil
	case "timm.optim.RMSpropTF":
		return NewRMSPropTF(s, params, RMSPropTF{Alpha: c.Alpha, Eps: c.Eps, Momentum: c.Momentum, WeightDecay: c.WeightDecay, Centered: c.Centered}), nil
	case "torch.optim.AdamW":
		return NewAdamW(s, params, AdamW{Beta1: c.Betas[0], Beta2: c.Betas[1], Eps: c.Eps, WeightDecay: c.WeightDecay}), nil
	default:
		return nil, fmt.Errorf("no optimizer for class %q", c.Class)
	}
}

// TestParityOptim replays given gradients through every optimizer of each folder
// and compares the parameters after every step with PyTorch's or timm's.
func TestParityOptim(t *testing.T) {
	for _, folder := range parityFolders(t) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			var file struct {
				Rates []float64             `json:"learning_rates"`
				Cases map[string]parityCase `json:"cases"`
			}
			readJSON(t, filepath.Join(folder, "cases.json"), &file)
			if len(file.Cases) < 9 || len(file.Rates) == 0 {
				t.Fatalf("%d cases of %d steps", len(file.Cases), len(file.Rates))
			}
			start := readFloats(t, filepath.Join(folder, "start.safetensors"))
			gradients := readFloats(t, filepath.Join(folder, "gradients.safetensors"))
			for name, c := range file.Cases {
				t.Run(name, func(t *testing.T) {
					after := readFloats(t, filepath.Join(folder, "after_"+name+".safetensors"))
					autogradtest.Run(t, func(s *autograd.Scope) {
						replay(t, s, c, file.Rates, start, gradients, after)
					})
				})
			}
			t.Run("network", func(t *testing.T) { checkNetworkLosses(t, folder) })
		})
	}
}

// replay takes one step with each learning rate. tol: 1e-6 of a tensor's largest
// value; float32 has 6e-8 a rounding, measured 1.6e-7 after 12 steps, SGD exact.
// (Single elements near zero differ by 1e-4 of themselves, as they do between
// PyTorch on one processor and on another.)
func replay(t *testing.T, s *autograd.Scope, c parityCase, rates []float64, start, gradients, after floats) {
	var params []Parameter
	for _, a := range start.arrays {
		tensor := autograd.FromSlice(s, start.values[a.Name], shape64(a)...)
		params = append(params, Parameter{Name: a.Name, Tensor: s.RequireGrad(tensor)})
	}
	optimizer, err := c.build(s, params)
	if err != nil {
		t.Fatal(err)
	}
	for step, lr := range rates {
		for _, p := range params {
			giveGradient(s, p.Tensor, gradients.values[fmt.Sprintf("%d/%s", step, p.Name)])
		}
		optimizer.Step(s, lr)
		for _, p := range params {
			want := after.values[fmt.Sprintf("%d/%s", step, p.Name)]
			compare32(t, fmt.Sprintf("step %d: %s", step, p.Name), values(s, p), want, 1e-6)
		}
	}
}

// floats is a safetensors file of float32 arrays.
type floats struct {
	arrays []checkpoints.Array
	values map[string][]float32
}

func readFloats(t *testing.T, path string) floats {
	t.Helper()
	file, err := checkpoints.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	f := floats{values: map[string][]float32{}}
	for _, a := range file.Arrays {
		if strings.HasSuffix(a.Name, ".num_batches_tracked") {
			continue
		}
		if f.values[a.Name], err = checkpoints.Values[float32](a); err != nil {
			t.Fatal(err)
		}
		f.arrays = append(f.arrays, a)
	}
	return f
}

func shape64(a checkpoints.Array) []int64 {
	var shape []int64
	for _, d := range a.Data.Shape() {
		shape = append(shape, int64(d))
	}
	return slices.Clip(shape)
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
