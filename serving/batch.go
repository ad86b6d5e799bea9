package serving

import (
	"cmp"
	"errors"
	"slices"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
)

// batchForward computes logits of batches of images, on the thread that its scope is pinned to.
type batchForward struct {
	scope     *autograd.Scope
	network   *mobilenet.Network
	inference *mobilenet.Inference
	mean, std [3]float64
	pixels    []uint8 // of the batch
}

// newBatchForward builds the configured network and sets the number of threads.
func newBatchForward(s *autograd.Scope, c EngineConfig) (*batchForward, error) {
	n, err := c.Network(s)
	if err = cmp.Or(err, s.Err()); err != nil {
		return nil, err
	}
	if n == nil {
		return nil, errors.New("the Network function built none")
	}
	precision, err := cmp.Or(c.Precision, autograd.FP32).Resolve(n.Parameters()[0].Tensor.Device())
	if err != nil {
		return nil, err
	}
	if c.Threads > 0 {
		autograd.SetThreads(s, c.Threads)
	}
	return &batchForward{scope: s, network: n, inference: n.Inference(s, precision.Compute()), mean: c.Mean, std: c.Std}, s.Err()
}

// compute returns the logits of images, each Resolution x Resolution RGB. It leaves no tensors in
// the scope, even after an error.
func (b *batchForward) compute(images [][]uint8) (logits [][]float32, err error) {
	b.pixels = b.pixels[:0]
	for _, image := range images {
		b.pixels = append(b.pixels, image...)
	}
	err = b.scope.Sub(func(s *autograd.Scope) error {
		c := b.network.Config
		rows := autograd.ToSlice[float32](s, b.inference.ForwardPixels(s, autograd.Pixels{Values: b.pixels, N: len(images),
			Height: c.Resolution, Width: c.Resolution, Mean: b.mean, Std: b.std}))
		for row := range slices.Chunk(rows, c.Classes) {
			logits = append(logits, slices.Clone(row)) // so that a caller that keeps its row does not keep the batch
		}
		return s.Err()
	})
	return logits, err
}
