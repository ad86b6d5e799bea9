// Package weightstest creates weights for tests.
package weightstest

import (
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/data"
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
	c, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	c.Width, c.Resolution, c.Classes = 0.25, 32, len(classes)
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Preprocessing()
	if err != nil {
		t.Fatal(err)
	}
	w := weights.Weights{Graph: g, Config: &c, Classes: classes, Meta: map[string]string{"step": "7"},
		Preprocess: data.Preprocess{Resolution: 32, Fit: data.FitCrop, Resize: 36, Mean: p.Mean, Std: p.Std}}
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
