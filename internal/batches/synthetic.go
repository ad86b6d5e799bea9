package batches

import (
	"cmp"
	"math/rand/v2"

	"depthwise.dev/config"
	"depthwise.dev/data"
)

// Synthetic returns a batch of noise with random labels, a function of the seed. It sets the number of classes to
// 1000 where c has none.
func Synthetic(c *config.Config) *data.Batch {
	c.Model.Classes = cmp.Or(c.Model.Classes, 1000)
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	size := c.Model.Resolution
	b := &data.Batch{N: c.BatchSize, Height: size, Width: size, Pixels: make([]uint8, c.BatchSize*size*size*3), Labels: make([]int64, c.BatchSize)}
	for i := range b.Pixels {
		b.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.Int64N(int64(c.Model.Classes))
	}
	return b
}
