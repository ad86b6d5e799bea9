package batches

import (
	"math/rand/v2"

	"depthwise.dev/data"
)

// Synthetic returns a batch of square images of noise with random labels, a function of the seed.
func Synthetic(images, size, classes int, seed uint64) *data.Batch {
	rng := rand.New(rand.NewPCG(seed, 0))
	b := &data.Batch{N: images, Height: size, Width: size, Pixels: make([]uint8, images*size*size*3), Labels: make([]int64, images)}
	for i := range b.Pixels {
		b.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.Int64N(int64(classes))
	}
	return b
}
