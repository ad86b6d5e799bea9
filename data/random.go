package data

import "math/rand/v2"

// Streams keep the draws for different purposes apart. Their values are part of what
// makes a run repeatable: never renumber them.
const (
	orderStream   uint64 = 1 // (seed, epoch): the order of an epoch
	augmentStream uint64 = 2 // (seed, epoch, sample): the augmentation of a sample
	splitStream   uint64 = 3 // (seed, class): the split into train and val
	mixStream     uint64 = 4 // (seed, epoch, batch): how the images of a batch are mixed
	shardStream   uint64 = 5 // (seed): which shard a sample is written to
)

// newRandom returns the generator that belongs to seed, stream and key.
func newRandom(seed, stream uint64, key ...uint64) *rand.Rand {
	pcg := new(rand.PCG)
	reseed(pcg, seed, stream, key...)
	return rand.New(pcg)
}

// reseed does the same for an existing generator, without an allocation.
func reseed(pcg *rand.PCG, seed, stream uint64, key ...uint64) {
	high, low := mix(seed), mix(stream)
	for _, k := range key {
		low = mix(low ^ k)
	}
	pcg.Seed(high, low)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014): neighboring keys become
// unrelated numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
