// Package weightstest creates weights for tests.
package weightstest

import (
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/weights"
)

// New returns initial weights of a network of three classes, with the metadata step=7.
func New(t testing.TB) weights.Weights {
	t.Helper()
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 3
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	w := weights.Weights{Graph: g, Config: &c.Model, Classes: []string{"b", "a", "ü"}, Preprocess: c.Preprocess(), Meta: map[string]string{"step": "7"}}
	err = autograd.Run(t.Context(), func(s *autograd.Scope) (err error) {
		w.Arrays, err = backend.HostArrays(s, "", backend.New(s, g, 3).State())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}
