package serving

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
)

// batchForward computes logits of batches of images, on the thread that its scope is pinned to.
type batchForward struct {
	scope     *autograd.Scope
	network   *backend.Network
	inference backend.Inference
	mean, std [3]float64
	pixels    []uint8 // of the batch
}

// newBatchForward builds the configured network, chooses its backend and moves it to the device.
func newBatchForward(s *autograd.Scope, c EngineConfig) (*batchForward, error) {
	n, err := c.Network(s)
	if err = cmp.Or(err, s.Err()); err != nil {
		return nil, err
	}
	if n == nil {
		return nil, errors.New("the Network function built none")
	}
	if in := n.Graph.Input; in.Channels != 3 {
		return nil, fmt.Errorf("%s takes images of %d channels; the pixels have 3 (RGB)", n.Graph.Name, in.Channels)
	}
	m, err := backend.NewMachine(s, n.Graph, c.Options)
	if err != nil {
		return nil, err
	}
	n.To(s, m.Place)
	return &batchForward{scope: s, network: n, inference: m.Inference(s, n), mean: c.Mean, std: c.Std}, s.Err()
}

// compute returns the logits of images, each of the size of the network's input, RGB. It leaves no
// tensors in the scope, even after an error.
func (b *batchForward) compute(images [][]uint8) (logits [][]float32, err error) {
	b.pixels = b.pixels[:0]
	for _, image := range images {
		b.pixels = append(b.pixels, image...)
	}
	g := b.network.Graph
	pixels := autograd.Pixels{Values: b.pixels, N: len(images), Height: g.Input.Height, Width: g.Input.Width,
		Mean: b.mean, Std: b.std}
	err = b.scope.Sub(func(s *autograd.Scope) error {
		rows := autograd.ToSlice[float32](s, b.inference.ForwardPixels(s, pixels))
		for row := range slices.Chunk(rows, g.Classes()) {
			logits = append(logits, slices.Clone(row)) // a caller that keeps its row must not keep the batch
		}
		return s.Err()
	})
	return logits, err
}
