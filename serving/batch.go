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
	machine   backend.Machine
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
	b := &batchForward{scope: s, machine: m, network: n, inference: m.Inference(s, n), mean: c.Mean, std: c.Std}
	return b, m.MemoryError(s.Err(), n.Graph, 1)
}

// request is an image to compute.
type request struct {
	pixels   []uint8 // of the size of the network's input, RGB
	features bool    // what the head reads, in place of the logits
}

// compute returns the logits or features of images. It leaves no tensors in the scope, even after an error.
func (b *batchForward) compute(requests []request) (rows [][]float32, err error) {
	rows = make([][]float32, len(requests))
	for _, features := range []bool{false, true} {
		if err := b.computeAll(requests, features, rows); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// computeAll computes the requests for logits, or those for features, as one batch.
func (b *batchForward) computeAll(requests []request, features bool, rows [][]float32) error {
	var places []int
	b.pixels = b.pixels[:0]
	for i, r := range requests {
		if r.features == features {
			places, b.pixels = append(places, i), append(b.pixels, r.pixels...)
		}
	}
	if len(places) == 0 {
		return nil
	}
	forward, in := b.inference.ForwardPixels, b.network.Graph.Input
	if features {
		forward = b.inference.FeaturesPixels
	}
	pixels := autograd.Pixels{Values: b.pixels, N: len(places), Height: in.Height, Width: in.Width, Mean: b.mean, Std: b.std}
	err := b.scope.Sub(func(s *autograd.Scope) error {
		values := autograd.ToSlice[float32](s, forward(s, pixels))
		size := len(values) / len(places)
		for i, place := range places {
			rows[place] = slices.Clone(values[i*size : (i+1)*size]) // a caller that keeps its row must not keep the batch
		}
		return s.Err()
	})
	return b.machine.MemoryError(err, b.network.Graph, len(places), "--max-batch")
}
