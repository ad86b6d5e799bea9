package tune

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// BatchSizes chooses a batch size from measured speeds.
type BatchSizes struct {
	// Base is the batch size that the learning rate is meant for.
	Base int
	// Limit is the largest size to try beside the base.
	Limit int
	// Fits reports whether a size fits into memory, by an estimate.
	Fits func(size int) bool
	// Measure returns the speed of training steps in images per second, or ErrOutOfMemory where the estimate was too low.
	Measure func(size int) (float64, error)
}

// ErrOutOfMemory is returned by a measurement that did not fit into memory, on a GPU for example.
var ErrOutOfMemory = errors.New("out of memory")

const (
	smallest = 8   // of the sizes that are tried, which are powers of two, and the base
	largest  = 512 // likewise
	gain     = 0.05
	// pays is how much faster a larger batch has to be than the base. An epoch then has fewer steps, which costs accuracy: with
	// twice the images 0.17 points on MNIST, where two cores were 20 % faster, and as much with the learning rate in proportion (docs/tuning.md).
	pays = 0.5
	flat = 2 // larger sizes in succession that are not faster by gain, after which none is tried
)

// BatchSpeed is the measured speed of a size.
type BatchSpeed struct {
	Size            int
	ImagesPerSecond float64
}

// BatchChoice is the chosen size, and why.
type BatchChoice struct {
	Size   int
	Speeds []BatchSpeed // in the order of the sizes
	Reason string
}

// Choose measures the base, then larger sizes up to the limit while they pay, and smaller ones only if the base does not fit
// into memory: with the same learning rate they are another training. The choice is the smallest measured size within gain of
// the fastest, and the base where it fits and that size is not faster by pays.
func (b BatchSizes) Choose() (BatchChoice, error) {
	var c BatchChoice
	base := b.Base
	memory := "" // why no larger sizes were tried
	for size, without := base, 0; without < flat && (size == base || size <= min(b.Limit, largest)); size = next(size) {
		speed, err := b.measure(size)
		if errors.Is(err, ErrOutOfMemory) {
			memory = fmt.Sprintf("; %d does not fit into memory", size)
			break
		}
		if err != nil {
			return c, err
		}
		if without++; len(c.Speeds) == 0 || speed > (1+gain)*c.fastest() {
			without = 0
		}
		c.Speeds = append(c.Speeds, BatchSpeed{size, speed})
	}
	for size := before(base); len(c.Speeds) == 0 && size >= 1; size = before(size) {
		speed, err := b.measure(size)
		if err == nil {
			c.Speeds = append(c.Speeds, BatchSpeed{size, speed})
		} else if !errors.Is(err, ErrOutOfMemory) {
			return c, err
		}
	}
	if len(c.Speeds) == 0 {
		return c, fmt.Errorf("%w: not even a batch of one image fits: use a smaller --resolution or --width, or free memory", ErrOutOfMemory)
	}
	best := slices.IndexFunc(c.Speeds, func(s BatchSpeed) bool { return s.ImagesPerSecond*(1+gain) >= c.fastest() })
	if c.Speeds[best].ImagesPerSecond < (1+pays)*c.Speeds[0].ImagesPerSecond {
		best = 0
	}
	c.Size = c.Speeds[best].Size
	c.Reason = c.reason(base) + memory
	return c, nil
}

func (b BatchSizes) measure(size int) (float64, error) {
	if !b.Fits(size) {
		return 0, ErrOutOfMemory
	}
	return b.Measure(size)
}

// next is the power of two above a size, and before the one below it.
func next(size int) int {
	n := smallest
	for n <= size {
		n *= 2
	}
	return n
}

func before(size int) int {
	n := 1
	for n*2 < size {
		n *= 2
	}
	if size <= 1 {
		return 0
	}
	return n
}

func (c BatchChoice) fastest() float64 {
	return slices.MaxFunc(c.Speeds, func(a, b BatchSpeed) int { return cmp.Compare(a.ImagesPerSecond, b.ImagesPerSecond) }).ImagesPerSecond
}

// reason says what decided, with the speeds.
func (c BatchChoice) reason(base int) string {
	var speeds []string
	for _, s := range c.Speeds {
		speeds = append(speeds, fmt.Sprintf("%d: %.0f", s.Size, s.ImagesPerSecond))
	}
	why := "no larger one is at least 50 % faster, to make up for fewer steps in an epoch"
	switch {
	case c.Size < base:
		why = fmt.Sprintf("the largest that fits into memory, below the %d that the learning rate is meant for", base)
	case c.Size > base:
		why = "at least 50 % faster than the recipe's, and the smallest within 5 % of the fastest"
	case len(c.Speeds) == 1:
		why = "a larger one needs another learning rate or leaves few steps in an epoch"
	}
	return fmt.Sprintf("%s (img/s: %s)", why, strings.Join(speeds, ", "))
}
