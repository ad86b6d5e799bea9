package backend

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/capacity"
	"depthwise.dev/models/mobilenet"
)

// TestDeviceMemory: what is free on a GPU bounds the batch, by a lower bound of the need; the suggested batch size has a margin.
func TestDeviceMemory(t *testing.T) {
	c, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Classes = 1000
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	m := Machine{Backend: Torch{}, Device: "cuda:0", GPU: "NVIDIA H200", Precision: autograd.BF16}
	own := autograd.GPUMemory{Free: 140e9, Total: 150e9, Reserved: 5e9, Allocated: 1e9}
	full := autograd.GPUMemory{Free: 1e9, Total: 150e9}
	for _, tc := range []struct {
		name   string
		need   capacity.Need
		memory autograd.GPUMemory
		want   string // "": it fits
	}{
		{"training", m.deviceTraining(g, Frozen{}, 1024), own, ""},
		{"training with too many images", m.deviceTraining(g, Frozen{}, 20_000), own,
			"training with batches of 20000 images of 224x224 needs at least 202 GB of memory, but 144 GB are available (free on cuda:0, NVIDIA H200 of 150 GB): --batch-size 3994 fits"},
		{"training on a GPU that is in use", m.deviceTraining(g, Frozen{}, 256), full,
			"training with batches of 256 images of 224x224 needs at least 2.63 GB of memory, but 1 GB are available (free on cuda:0, NVIDIA H200 of 150 GB): --batch-size 25 fits"},
		{"training of the head", m.deviceTraining(g, Frozen{Layers: len(g.Layers) - 1}, 256), full, ""},
		{"inference", m.deviceInference(g, 256), full, ""},
		{"inference with too many images", m.deviceInference(g, 4096), full,
			"inference with batches of 4096 images of 224x224 needs at least 9.88 GB of memory, but 1 GB are available (free on cuda:0, NVIDIA H200 of 150 GB): --batch-size 94 fits"},
	} {
		got := ""
		if err := tc.need.Within(m.deviceBound(tc.memory)); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tc.name, got, tc.want)
		}
	}
	if err := (Machine{Backend: Torch{}, Device: "cpu", Place: autograd.CPU}).CheckTraining(g, Frozen{}, 1, 1); err != nil {
		t.Error(err)
	}
}

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
		training, infers := m.TrainingMemory(g, Frozen{}, 32, 1), m.InferenceMemory(g, 32, 1)
		if ratio := training.PerImage / 1e6 / row.training; ratio < 0.8 || ratio > 1.05 {
			t.Errorf("%s: training takes %.1f MB an image, measured %.1f", row.name, training.PerImage/1e6, row.training)
		}
		if ratio := infers.PerImage / 1e6 / row.infers; ratio < 0.4 || ratio > 1.05 {
			t.Errorf("%s: inference takes %.2f MB an image, measured %.2f", row.name, infers.PerImage/1e6, row.infers)
		}
		const want = 4. * 4_253_864
		if training.Fixed != 3*want || infers.Fixed != want { // parameters and running statistics
			t.Errorf("%s: fixed %v and %v", row.name, training.Fixed, infers.Fixed)
		}
		backbone := Frozen{Layers: len(g.Layers) - 1}
		if frozen := m.TrainingMemory(g, backbone, 32, 1); frozen.PerImage > 1e6 || frozen.Fixed != want {
			t.Errorf("%s: with a frozen backbone %+v", row.name, frozen)
		}
		gpu := m
		gpu.Device = "cuda:0"
		if n := gpu.TrainingMemory(g, Frozen{}, 32, 5); n.Fixed != 0 || math.Abs(n.PerImage-5*3*224*224) > 1 {
			t.Errorf("%s: a GPU's batches take %+v on the host", row.name, n)
		}
	}
}
