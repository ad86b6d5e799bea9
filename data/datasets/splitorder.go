package datasets

import (
	"math"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/random"
)

// Rule is how ValSplit selects the images of val.
type Rule int

// The rules.
const (
	ByName  Rule = iota // by a hash of each image's key, see [Split]
	ByOrder             // as [SplitByOrder]
)

// SplitByOrder is the rule of versions that recorded no [Split], for their checkpoints and weights. It
// shuffles the list of each class and moves the same fraction of it to val: at least one image if the
// class has two, never the last one. One more image in a class changes the whole selection. Both
// parts keep the order of all.
func SplitByOrder(all *data.Dataset, fraction float64, seed uint64) (train, val *data.Dataset) {
	train, val = all.Like(nil), all.Like(nil)
	train.Problems = all.Problems
	byClass := make([][]int, len(all.Classes))
	for i, s := range all.Samples {
		byClass[s.Class] = append(byClass[s.Class], i)
	}
	chosen := make([]bool, all.Len())
	for class, members := range byClass {
		n := len(members)
		take := min(max(int(math.RoundToEven(fraction*float64(n))), 1), n-1)
		if n == 0 {
			continue
		}
		rng := random.New(seed, random.Split, uint64(class))
		rng.Shuffle(n, func(i, j int) { members[i], members[j] = members[j], members[i] })
		for _, i := range members[:take] {
			chosen[i] = true
		}
	}
	for i, s := range all.Samples {
		if chosen[i] {
			val.Samples = append(val.Samples, s)
		} else {
			train.Samples = append(train.Samples, s)
		}
	}
	return train, val
}
