package optim

import (
	"math"
	"path/filepath"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/backend"
	"depthwise.dev/checkpoints"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// checkNetworkLosses trains the folder's small network in float64 and compares
// the losses of its first steps with PyTorch's. tol: 1e-6 relative; float64 and
// the same formulas leave less than 1e-9.
func checkNetworkLosses(t *testing.T, folder string) {
	var want struct {
		Losses    []float64 `json:"losses_float64"`
		Smoothing float64   `json:"label_smoothing"`
		SGD       struct {
			LR       float64 `json:"lr"`
			Momentum float64 `json:"momentum"`
		} `json:"sgd"`
	}
	readJSON(t, filepath.Join(folder, "network.json"), &want)
	if len(want.Losses) == 0 {
		t.Fatal("no losses in network.json")
	}
	weights := readFloats(t, filepath.Join(folder, "network.safetensors"))
	images, size := readNPY[float32](t, filepath.Join(folder, "images.npy")) // (steps, N, 3, H, W)
	labels, _ := readNPY[int64](t, filepath.Join(folder, "labels.npy"))      // (steps, N)
	autogradtest.Run(t, func(s *autograd.Scope) {
		network := backend.New(s, timmGraph(t, weights, int(size[3])), 0)
		if err := network.Load(s, weights.values); err != nil {
			t.Fatal(err)
		}
		network.ToDType(s, autograd.Float64)
		var params []Parameter
		for _, p := range network.Parameters() {
			params = append(params, Parameter{Name: p.Name, Tensor: p.Tensor})
		}
		optimizer := NewSGD(s, params, SGD{Momentum: want.SGD.Momentum})
		for step, wantLoss := range want.Losses {
			n, pixels := int(size[1]), int(size[1]*size[2]*size[3]*size[4])
			x := autograd.FromSlice(s, images[step*pixels:(step+1)*pixels], size[1:]...)
			y := autograd.FromSlice(s, labels[step*n:(step+1)*n], size[1])
			logits := network.Forward(s, s.ChannelsLast(s.To(x, autograd.Float64)), autograd.Training)
			loss := autograd.CrossEntropy{LabelSmoothing: want.Smoothing}.Loss(s, logits, y)
			autograd.ZeroGrads(s, tensors(params))
			s.Backward(loss)
			optimizer.Step(s, want.SGD.LR)
			if got := s.Item(loss); !(math.Abs(got-wantLoss) <= 1e-6*wantLoss) {
				t.Errorf("step %d: loss %.12g, PyTorch has %.12g", step, got, wantLoss)
			}
		}
	})
}

// timmGraph is timm's mobilenetv1 of the width and classes that the weights show.
func timmGraph(t *testing.T, weights floats, resolution int) *models.Graph {
	t.Helper()
	c, err := mobilenet.Default("mobilenet_v1", "timm")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range weights.arrays {
		if a.Name == "classifier.weight" {
			c.Classes, c.Width = a.Data.Shape()[0], float64(a.Data.Shape()[1])/1024
		}
	}
	c.Resolution = resolution
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func tensors(params []Parameter) autograd.List {
	var list autograd.List
	for _, p := range params {
		list = append(list, p.Tensor)
	}
	return list
}

func readNPY[T checkpoints.Element](t *testing.T, path string) (values []T, shape []int64) {
	t.Helper()
	dense, err := checkpoints.ReadNPY(path)
	if err != nil {
		t.Fatal(err)
	}
	a := checkpoints.Array{Name: path, Data: dense}
	if values, err = checkpoints.Values[T](a); err != nil {
		t.Fatal(err)
	}
	return values, shape64(a)
}
