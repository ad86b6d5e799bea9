package backend

import (
	"math"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/formats/deploy/deploytest"
)

// TestAgreesWithDeployed: the backends compute what PyTorch does with the networks by which exports are tested, so exports
// compute what the backends do.
func TestAgreesWithDeployed(t *testing.T) {
	const tolerance = 1e-5 // float32, logits up to 10; measured 3e-6
	for _, c := range deploytest.Cases(t) {
		for _, b := range backends {
			if b.Supports(c.Weights.Graph, autograd.CPU) != nil {
				continue
			}
			autogradtest.Run(t, func(s *autograd.Scope) {
				n, err := Load(s, c.Weights, autograd.CPU)
				if err != nil {
					t.Fatal(err)
				}
				in := c.Weights.Graph.Input
				x := s.ChannelsLast(autograd.FromSlice(s, c.Images, deploytest.Batch, int64(in.Channels), int64(in.Height), int64(in.Width)))
				got := autograd.ToSlice[float32](s, b.Inference(s, n, autograd.Float32).Forward(s, x))
				if err := s.Err(); err != nil {
					t.Fatalf("%s, backend %s: %v", c.Name, b.Name(), err)
				}
				if len(got) != len(c.Logits) {
					t.Fatalf("%s: %d logits, want %d", c.Name, len(got), len(c.Logits))
				}
				for i := range got {
					if d := math.Abs(float64(got[i]) - c.Logits[i]); !(d <= tolerance) {
						t.Errorf("%s, backend %s: logit %d is %v, want %v", c.Name, b.Name(), i, got[i], c.Logits[i])
					}
				}
			})
		}
	}
}
