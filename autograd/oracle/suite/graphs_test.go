package suite_test

import (
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// everyKind is a small graph with every kind of layers and every padding, for images that are not
// square. Batch norm, activation and add appear as layers of their own and merged into others;
// outputs are read once, twice by one layer, and by several layers.
func everyKind(t *testing.T) *models.Graph {
	t.Helper()
	x := models.Input(models.Shape{Channels: 3, Height: 14, Width: 11})
	stem := x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2, Padding: models.Same, Bias: true}).ReLU6()
	pools := stem.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Symmetric}).Add(stem.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Same})) // 7x6 to 4x3
	norm := pools.BatchNorm(models.BatchNorm{Eps: 1e-3, Momentum: 0.01})
	twice := norm.Add(norm).ReLU()
	branch := norm.ReLU6().Conv(models.Conv{Out: 8, Kernel: 3, Groups: 2, Bias: true}).BatchNorm(models.BatchNorm{}).ReLU()
	sum := branch.Add(twice)
	down := sum.DepthwiseConv(models.Conv{Kernel: 3, Stride: 2, Padding: models.BottomRight}).BatchNorm(models.BatchNorm{}).ReLU()
	flat := down.Dropout(0.5).Flatten().Linear(models.Linear{Out: 5, NoBias: true}).ReLU()
	pooled := sum.Conv(models.Conv{Out: 6, Kernel: 2, Padding: models.Valid}).GlobalAvgPool().Linear(models.Linear{Out: 5})
	g, err := models.Build("every kind", pooled.Add(flat).ReLU6().Dropout(0.5).Linear(models.Linear{Out: 3}))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// mobileNet is the named variant with 10 classes.
func mobileNet(t *testing.T, arch, variant string, width float64, resolution int) *models.Graph {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = width, resolution, 10
	return build(t, c)
}

func build(t *testing.T, c mobilenet.Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var bothModes = []autograd.Mode{autograd.Training, autograd.Evaluation}
