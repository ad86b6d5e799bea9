package mobilenet

import (
	"cmp"
	"slices"

	"depthwise.dev/autograd"
)

// batchForward computes the logits of batches of images with one network, on the thread that its scope is pinned to.
type batchForward struct {
	scope     *autograd.Scope
	network   *Network
	mean, std [3]float64
	dtype     autograd.DType // what convolutions compute in
	pixels    []uint8        // of the batch
}

// newBatchForward builds the configured network and sets the number of threads.
func newBatchForward(s *autograd.Scope, c ClassifierConfig) (*batchForward, error) {
	n, err := c.Network(s)
	if err != nil {
		return nil, err
	}
	precision, err := cmp.Or(c.Precision, autograd.FP32).Resolve(n.head.weight.Device())
	if err != nil {
		return nil, err
	}
	if c.Threads > 0 {
		autograd.SetThreads(s, c.Threads)
	}
	return &batchForward{scope: s, network: n, mean: c.Mean, std: c.Std, dtype: precision.Compute()}, s.Err()
}

// compute returns the logits of images, each Resolution x Resolution RGB. It leaves nothing in the scope, whatever happens.
func (b *batchForward) compute(images [][]uint8) (logits [][]float32, err error) {
	b.pixels = b.pixels[:0]
	for _, image := range images {
		b.pixels = append(b.pixels, image...)
	}
	err = b.scope.NoGrad(func(s *autograd.Scope) error {
		return s.Autocast(b.dtype, func(s *autograd.Scope) error {
			side, device := b.network.Config.Resolution, b.network.head.weight.Device()
			x := s.NormalizeImages(b.pixels, len(images), side, side, b.mean, b.std, device)
			rows := autograd.ToSlice[float32](s, b.network.Forward(s, x, autograd.Evaluation))
			for row := range slices.Chunk(rows, b.network.Config.Classes) {
				logits = append(logits, slices.Clone(row)) // so that one who keeps his row does not keep the batch
			}
			return s.Err()
		})
	})
	return logits, err
}
