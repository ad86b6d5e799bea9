package data

import "depthwise.dev/data/internal/sys"

// Batch is a number of images with their labels. It belongs to its iterator and is valid until the next
// call of Next or Close.
type Batch struct {
	Index  int     // in the epoch
	N      int     // images; unreadable images reduce it, possibly to 0
	Height int     // of every image
	Width  int     // of every image
	Pixels []uint8 // N*Height*Width*3: NHWC, RGB
	Labels []int64 // N classes; empty of a multi-label data set
	// MixedLabels and Lambda describe a batch after MixUp or CutMix: the loss of an image is Lambda times
	// that of its label plus 1-Lambda times that of its mixed label. Without mixing, MixedLabels is empty
	// and Lambda is 1.
	MixedLabels []int64
	Lambda      float64
	// Targets of a multi-label data set, row-major (N, classes): 1 for each class of an image, 0 for the others, and after
	// mixing Lambda of an image's own targets plus the rest of its partner's. MixedLabels is empty then.
	Targets []float32
	Samples []int     // N indices into Dataset.Samples
	Skipped []Problem // unreadable images, in the order of the batch
}

// slot is the memory of a batch.
type slot struct {
	index    int // of the current batch, or -1
	missing  int // images that are not decoded yet
	count    int // images, including unreadable ones
	pixels   []uint8
	samples  []int
	failures []error // of each image
	batch    Batch   // for the consumer
}

func newSlot(images, side int) *slot {
	return &slot{
		pixels:   make([]uint8, images*side*side*3),
		samples:  make([]int, images),
		failures: make([]error, images),
		batch:    Batch{Height: side, Width: side, Labels: make([]int64, 0, images), Lambda: 1},
	}
}

// begin prepares the slot for a batch of count images.
func (s *slot) begin(index, count int) {
	s.index, s.count, s.missing = index, count, count
	clear(s.failures)
}

func (s *slot) image(i int) []uint8 {
	n := 3 * s.batch.Height * s.batch.Width
	return s.pixels[i*n : (i+1)*n]
}

// finish removes the gaps of unreadable images and returns the batch.
func (s *slot) finish(set *Dataset) *Batch {
	b := &s.batch
	b.Lambda, b.MixedLabels = 1, b.MixedLabels[:0]
	b.Index, b.N, b.Labels, b.Skipped = s.index, 0, b.Labels[:0], nil
	b.Targets = b.Targets[:0]
	for i, sample := range s.samples[:s.count] {
		if err := s.failures[i]; err != nil {
			b.Skipped = append(b.Skipped, Problem{set.Samples[sample].Path, sys.Reason(err)})
			continue
		}
		if b.N < i {
			copy(s.image(b.N), s.image(i))
			s.samples[b.N] = sample
		}
		b.addLabels(set, set.Samples[sample])
		b.N++
	}
	b.Samples = s.samples[:b.N]
	b.Pixels = s.pixels[:3*b.N*b.Height*b.Width]
	return b
}

// addLabels adds the class or the targets of the next image.
func (b *Batch) addLabels(set *Dataset, s Sample) {
	if set.MultiLabel {
		b.Targets = set.AppendTargets(b.Targets, s)
		return
	}
	b.Labels = append(b.Labels, int64(s.Class))
}
