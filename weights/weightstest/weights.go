// Package weightstest creates weights for tests.
package weightstest

import (
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/weights"
)

// New returns initial weights of a network of three classes, with the metadata step=7.
func New(t testing.TB) weights.Weights {
	t.Helper()
	return Of(t, "b", "a", "ü")
}

// Of returns initial weights of a network of some classes, with the metadata step=7.
func Of(t testing.TB, classes ...string) weights.Weights {
	t.Helper()
	return Variant(t, "mobilenet_v1", "paper", 0.25, classes...)
}

// Variant is [Of] for a variant of an architecture at a width.
func Variant(t testing.TB, arch, variant string, width float64, classes ...string) weights.Weights {
	t.Helper()
	c, err := mobilenet.Default(arch, variant)
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = width, 32, len(classes)
	return OfConfig(t, c, classes)
}

// OfConfig is [Of] for a configured network.
func OfConfig(t testing.TB, c mobilenet.Config, classes []string) weights.Weights {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Preprocessing()
	if err != nil {
		t.Fatal(err)
	}
	w := OfGraph(t, g, classes...)
	w.Config = &c
	w.Preprocess.Mean, w.Preprocess.Std = p.Mean, p.Std
	return w
}

// OfGraph is [Of] for a graph without a configuration. Pixels are normalized to 0..1.
func OfGraph(t testing.TB, g *models.Graph, classes ...string) weights.Weights {
	t.Helper()
	side := g.Input.Height
	w := weights.Weights{Graph: g, Classes: classes, Meta: map[string]string{"step": "7"},
		Preprocess: data.Preprocess{Resolution: side, Fit: data.FitCrop, Resize: side * 9 / 8, Std: [3]float64{1, 1, 1}}}
	for _, a := range g.Arrays() {
		shape := make([]int, len(a.Shape))
		for i, d := range a.Shape {
			shape[i] = int(d)
		}
		array, err := checkpoints.NewArray(a.Name, a.Initial(3), shape...)
		if err != nil {
			t.Fatal(err)
		}
		w.Arrays = append(w.Arrays, array)
	}
	return w
}
