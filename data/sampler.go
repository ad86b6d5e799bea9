package data

import (
	"fmt"
	"math"
	"math/rand/v2"

	"depthwise.dev/data/internal/random"
)

// The samplers: which images an epoch of training has. Each epoch has as many images as the data set.
const (
	SampleUniform  = "uniform"  // every image once
	SampleBalanced = "balanced" // the same number of each class
	SampleSqrt     = "sqrt"     // of each class a number in proportion to the square root of its images
)

// Samplers lists the values of LoaderOptions.Sampler.
var Samplers = []string{SampleUniform, SampleBalanced, SampleSqrt}

// samples reports whether an epoch may have an image several times.
func (o LoaderOptions) samples() bool {
	return o.Train && o.Sampler != "" && o.Sampler != SampleUniform
}

// checkSampler refuses a sampler where images have several classes, or are not read in any order.
func (o LoaderOptions) checkSampler(set *Dataset) error {
	if o.samples() && set.MultiLabel {
		return fmt.Errorf("data: %s: --sampler %s is for data whose images have one class each, and this is multi-label data: omit it", set.Root, o.Sampler)
	}
	if !o.samples() || !set.Remote() && !(set.Sharded() && o.ShuffleBuffer > 0) {
		return nil
	}
	advice := "omit --shuffle-buffer"
	if set.Remote() {
		advice = "copy the shards to a local disk"
	}
	return fmt.Errorf("data: %s: --sampler %s draws images from the whole data set, but these are read in the order of the shards: %s, or use --class-weights balanced instead", set.Root, o.Sampler, advice)
}

// draw returns the samples of an epoch, not shuffled. Of a class that is drawn less often than it has images, the images
// are a random selection; of others each is drawn equally often, or once more. That has less variance than independent
// draws with replacement, such as those of torch.utils.data.WeightedRandomSampler, and the same expectation.
func (d *Dataset) draw(sampler string, rng *rand.Rand) []int32 {
	order := make([]int32, 0, d.Len())
	if sampler != SampleBalanced && sampler != SampleSqrt {
		for i := range d.Len() {
			order = append(order, int32(i))
		}
		return order
	}
	counts := d.Counts()
	drawn := draws(Quotas(sampler, counts), d.Len(), rng.Float64())
	for class, images := range d.byClass(counts) {
		rng.Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
		for i := range drawn[class] {
			order = append(order, images[i%len(images)])
		}
	}
	return order
}

// Quotas returns the mean number of images of each class in an epoch of a sampler, given their numbers in the data set.
func Quotas(sampler string, counts []int) []float64 {
	quotas, total, sum := make([]float64, len(counts)), 0, 0.
	for class, n := range counts {
		switch {
		case sampler == SampleSqrt:
			quotas[class] = math.Sqrt(float64(n))
		case sampler == SampleBalanced && n > 0:
			quotas[class] = 1
		case n > 0:
			quotas[class] = float64(n)
		}
		total, sum = total+n, sum+quotas[class]
	}
	for class := range quotas {
		quotas[class] *= float64(total) / sum
	}
	return quotas
}

// draws rounds quotas up or down to whole numbers with the sum total. offset, from 0 to 1, is where the rounding begins:
// over uniform offsets the mean of a number is its quota.
func draws(quotas []float64, total int, offset float64) []int {
	rounded := make([]int, len(quotas))
	last := 0
	for class, q := range quotas {
		if q > 0 {
			last = class
		}
	}
	sum, given := 0., 0
	for class, q := range quotas[:last+1] {
		sum += q
		until := min(int(math.Floor(sum+offset)), total)
		if class == last {
			until = total // whatever the sum was rounded to
		}
		rounded[class], given = until-given, until
	}
	return rounded
}

// byClass lists the samples of each class, in the order of the data set.
func (d *Dataset) byClass(counts []int) [][]int32 {
	memory := make([]int32, d.Len())
	lists := make([][]int32, len(counts))
	for class, n := range counts {
		lists[class], memory = memory[:0:n], memory[n:]
	}
	for i, s := range d.Samples {
		lists[s.Class] = append(lists[s.Class], int32(i))
	}
	return lists
}

// repeats counts for each position of an order how often its sample is at earlier ones; nil: no sample is there twice.
func (l *Loader) repeats(order []int32) []int32 {
	if !l.options.samples() {
		return nil
	}
	seen, repeats := make([]int32, l.set.Len()), make([]int32, len(order))
	for i, sample := range order {
		repeats[i] = seen[sample]
		seen[sample]++
	}
	return repeats
}

// seedAugment seeds the generator of a sample's augmentation. The first time that an epoch has the sample, the key is that
// of an epoch without repeats.
func seedAugment(pcg *rand.PCG, seed uint64, epoch, sample, repeat int) {
	key := [3]uint64{uint64(epoch), uint64(sample), uint64(repeat)}
	random.Seed(pcg, seed, random.Augment, key[:2+min(repeat, 1)]...)
}
