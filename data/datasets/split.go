package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// Split divides a data set into train and val by a hash of each image's key ([data.Dataset.Key]): an
// image is in val if its hash is below the threshold of its class. So images that are added or
// removed move no other image.
//
// The threshold is that of Fraction, except in small classes, where it would leave val or train
// without an image of a class that has two or more: there the image with the smallest hash is in val,
// or that with the greatest in train. The only image of a class is in train. These thresholds are
// part of the split, so that what was trained on stays known when the data set grows.
type Split struct {
	Fraction float64 `json:"fraction"`
	Seed     uint64  `json:"seed"`
	// Thresholds of the classes that have one of their own, by quoted name: val has the hashes below.
	Thresholds map[string]uint64 `json:"thresholds,omitempty"`
	// Set identifies the data set that the split was made on, see [Split.Identify].
	Set Identity `json:"set"`
}

// newSplit chooses the thresholds for the images of all. Adding images moves none from train to val,
// unless a class had no image above the threshold of the fraction: its one image in train may move.
func newSplit(all *data.Dataset, fraction float64, seed uint64) *Split {
	s := &Split{Fraction: fraction, Seed: seed}
	classes := make([]hashes, len(all.Classes))
	for _, sample := range all.Samples {
		for class := range all.ClassesOf(sample) {
			classes[class].add(s.hash(all.Key(sample)), s.threshold())
		}
	}
	for class, h := range classes {
		if t, own := h.threshold(); own {
			if s.Thresholds == nil {
				s.Thresholds = map[string]uint64{}
			}
			s.Thresholds[thresholdKey(all.Classes[class])] = t
		}
	}
	return s
}

// hashes are those of a class's images.
type hashes struct {
	images, below int
	least, most   uint64
}

func (h *hashes) add(hash, threshold uint64) {
	if h.images == 0 {
		h.least, h.most = hash, hash
	}
	h.least, h.most = min(h.least, hash), max(h.most, hash)
	h.images++
	if hash < threshold {
		h.below++
	}
}

// threshold returns a class's own threshold, if it needs one.
func (h *hashes) threshold() (t uint64, own bool) {
	switch {
	case h.images > 0 && h.below == h.images:
		return h.most, true // 0 below it if there is one image
	case h.images > 1 && h.below == 0 && h.least < h.most:
		return h.least + 1, true
	}
	return 0, false
}

// divide returns the two parts of a data set, in its order.
func (s *Split) divide(all *data.Dataset) (train, val *data.Dataset) {
	train, val = all.Like(nil), all.Like(nil)
	train.Problems = all.Problems
	for _, sample := range all.Samples {
		part := train
		if s.holdsOut(all, sample) {
			part = val
		}
		part.Samples = append(part.Samples, sample)
	}
	return train, val
}

// holdsOut reports whether a sample is in val. Where the classes of a multi-label image have thresholds of their own, the
// smallest counts if it is below that of the fraction, so that no class loses its last image in train, and otherwise the
// largest.
func (s *Split) holdsOut(all *data.Dataset, sample data.Sample) bool {
	usual := s.threshold()
	least, most := usual, usual
	if s.Thresholds != nil {
		for class := range all.ClassesOf(sample) {
			if own, ok := s.Thresholds[thresholdKey(all.Classes[class])]; ok {
				least, most = min(least, own), max(most, own)
			}
		}
	}
	if least == usual {
		least = most
	}
	return s.hash(all.Key(sample)) < least
}

// thresholdKey is the same for the Unicode forms of a class's name.
func thresholdKey(class string) string { return strconv.Quote(names.Key(class)) }

// threshold is that of the fraction, which is at least 0 and below 1.
func (s *Split) threshold() uint64 { return uint64(math.Ldexp(s.Fraction, 64)) }

// hash returns 64 bits of SHA-256 of the seed and the key. They must stay as they are: which images
// a run was trained on follows from them.
func (s *Split) hash(key string) uint64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), s.Seed), key...))
	return binary.BigEndian.Uint64(sum[:])
}

// split takes val from all images.
func (s Source) split(all *data.Dataset) (train, val *data.Dataset, split *Split, err error) {
	if !(s.ValSplit > 0 && s.ValSplit < 1) {
		return nil, nil, nil, fmt.Errorf("data: %s has no val folder; hold out a fraction of the images for validation (--val-split 0.1), or sort the images into train/CLASS and val/CLASS", s.Path)
	}
	if s.MultiLabel {
		s.labeled(all) // before the keys are computed
	}
	if s.Rule == ByOrder {
		train, val = SplitByOrder(all, s.ValSplit, s.Seed)
	} else {
		split = newSplit(all, s.ValSplit, s.Seed)
		train, val = split.divide(all)
	}
	if val.Len() == 0 {
		return nil, nil, nil, fmt.Errorf("data: %s: no class has a second image, so none is left for validation", s.Path)
	}
	return train, val, split, nil
}
