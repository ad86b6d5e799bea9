package backend

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
)

// TestFootprint compares the estimates with what bench step and bench infer measured (peak memory of
// batches of 16 and 48 images of MobileNet v1 at 224x224, per image). An estimate must not be above,
// and for training not far below.
func TestFootprint(t *testing.T) {
	c, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Classes = 1000
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name             string
		backend          Backend
		precision        autograd.Precision
		training, infers float64 // measured MB
	}{
		{"fused fp32", Fused{}, "fp32", 20.5, 0.2},
		{"fused bf16", Fused{}, "bf16", 10.3, 0.2},
		{"torch fp32", Torch{}, "fp32", 39.3, 8.4},
		{"torch bf16", Torch{}, "bf16", 20.5, 4.9},
	} {
		m := Machine{Backend: row.backend, Device: "cpu", Precision: row.precision}
		training, infers := m.TrainingMemory(g, 32, 1), m.InferenceMemory(g, 32, 1)
		if ratio := training.PerImage / 1e6 / row.training; ratio < 0.8 || ratio > 1.05 {
			t.Errorf("%s: training takes %.1f MB an image, measured %.1f", row.name, training.PerImage/1e6, row.training)
		}
		if ratio := infers.PerImage / 1e6 / row.infers; ratio < 0.4 || ratio > 1.05 {
			t.Errorf("%s: inference takes %.2f MB an image, measured %.2f", row.name, infers.PerImage/1e6, row.infers)
		}
		if want := 4. * 4_253_864; training.Fixed != 3*want || infers.Fixed != want { // parameters and running statistics
			t.Errorf("%s: fixed %v and %v", row.name, training.Fixed, infers.Fixed)
		}
		gpu := m
		gpu.Device = "cuda:0"
		if n := gpu.TrainingMemory(g, 32, 5); n.Fixed != 0 || math.Abs(n.PerImage-5*3*224*224) > 1 {
			t.Errorf("%s: a GPU's batches take %+v on the host", row.name, n)
		}
	}
}
