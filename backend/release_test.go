//go:build invariants

package backend

import (
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/models"
)

// A forward pass holds only the outputs that a layer to come still reads: the tensors alive at each layer are counted.
func TestForwardFreesOutputs(t *testing.T) {
	for name, g := range map[string]*models.Graph{
		"v1":       graph(t, small(t, "mobilenet_v1", "paper")),
		"v2":       graph(t, small(t, "mobilenet_v2", "timm")),
		"residual": residual(t),
	} {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				n := New(s, g, 1)
				x := randomImages(s, 2, 32)
				last := map[string]int{} // the place of the last reader of each layer
				for i, l := range g.Layers {
					for _, in := range l.Inputs {
						last[in] = i
					}
				}
				s.Fail(s.NoGrad(func(s *autograd.Scope) error {
					before, place, most := autograd.LiveTensors(), 0, 0
					n.RegisterForwardHook(func(_ *autograd.Scope, l models.Layer, _ *autograd.Tensor) *autograd.Tensor {
						want := 1 // its own output
						for _, earlier := range g.Layers[:place] {
							if last[earlier.Name] >= place { // inputs are freed when the layer is done
								want++
							}
						}
						if got := int(autograd.LiveTensors() - before); got > want {
							t.Errorf("at layer %d %s: %d tensors are alive, want %d", place, l.Name, got, want)
						}
						place, most = place+1, max(most, want)
						return nil
					})
					y := n.Forward(s, x, autograd.Evaluation)
					if got := autograd.LiveTensors() - before; got != 1 {
						t.Errorf("%d tensors are alive after the pass, want the logits", got)
					}
					if name != "v1" && most != 3 {
						t.Errorf("at most %d tensors are alive: the graph has no residual connection", most)
					}
					s.Free(y)
					return s.Err()
				}))
			})
		})
	}
}
