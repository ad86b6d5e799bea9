// Package random derives independent generators from a seed, a stream and a key.
package random

import "math/rand/v2"

// Streams separate the draws for different purposes. Runs are repeatable only if their values stay as
// they are.
const (
	Order   uint64 = 1 // (seed, epoch): the order of an epoch
	Augment uint64 = 2 // (seed, epoch, sample): the augmentation of a sample
	Split   uint64 = 3 // (seed, class): the split into train and val
	Mix     uint64 = 4 // (seed, epoch, batch): how the images of a batch are mixed
	Shard   uint64 = 5 // (seed): the shard that a sample is written to
)

// New returns the generator of a seed, a stream and a key.
func New(seed, stream uint64, key ...uint64) *rand.Rand {
	pcg := new(rand.PCG)
	Seed(pcg, seed, stream, key...)
	return rand.New(pcg)
}

// Seed reseeds an existing generator as [New] does, without an allocation.
func Seed(pcg *rand.PCG, seed, stream uint64, key ...uint64) {
	high, low := mix(seed), mix(stream)
	for _, k := range key {
		low = mix(low ^ k)
	}
	pcg.Seed(high, low)
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): it maps neighboring keys to unrelated
// numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
