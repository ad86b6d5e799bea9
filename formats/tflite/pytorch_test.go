package tflite

import (
	"math"
	"testing"

	"depthwise.dev/formats/deploy/deploytest"
)

// TestLogitsOfPyTorch: the interpreter of written files computes PyTorch's logits of networks with every kind of layers.
func TestLogitsOfPyTorch(t *testing.T) {
	const tolerance = 1e-6 // weights and logits are rounded to float32; measured 5.4e-7
	for _, c := range deploytest.Cases(t) {
		in := c.Weights.Graph.Input
		x := zeros(deploytest.Batch, in.Height, in.Width, in.Channels)
		for i, v := range c.Images {
			column, row, channel, n := i%in.Width, i/in.Width%in.Height, i/(in.Width*in.Height)%in.Channels, i/int(in.Values())
			x.values[x.at(n, row, column, channel)] = float64(v)
		}
		y := parse(t, written(t, c.Weights, Options{})).run(t, x)
		for i, want := range c.Logits {
			if got := y.values[i]; math.Abs(got-want) > tolerance*max(1, math.Abs(want)) {
				t.Errorf("%s: logit %d is %v, want %v", c.Name, i, got, want)
			}
		}
	}
}
