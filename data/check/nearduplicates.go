package check

import (
	"context"
	"math/bits"
	"slices"
	"sync"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/sys"
)

// imageHash is a perceptual hash: whether each cell of a coarse picture is brighter than its left
// neighbor (9x8 cells) and its upper neighbor (8x9), 64 bits each. It is the difference hash of N.
// Krawetz, "Kind of Like That" (2013), in both directions: resizing and compression change few bits.
type imageHash [2]uint64

func (l imageHash) distance(o imageHash) int {
	return bits.OnesCount64(l[0]^o[0]) + bits.OnesCount64(l[1]^o[1])
}

// bands is the number of 16-bit parts of a hash, by which similar hashes are found.
const bands = 8

func (l imageHash) band(i int) uint16 { return uint16(l[i/4] >> (16 * (i % 4))) }

// hashOf returns the hash of side x side RGB pixels.
func hashOf(rgb []byte) (l imageHash) {
	const n = 8
	across, down := brightness(rgb, n+1, n), brightness(rgb, n, n+1)
	for y := range n {
		for x := range n {
			bit := uint64(1) << (y*n + x)
			if across[y*(n+1)+x+1] > across[y*(n+1)+x] {
				l[0] |= bit
			}
			if down[(y+1)*n+x] > down[y*n+x] {
				l[1] |= bit
			}
		}
	}
	return l
}

// brightness averages the pixels over columns x rows cells.
func brightness(rgb []byte, columns, rows int) []int {
	cells := make([]int, columns*rows)
	for y := range rows {
		for x := range columns {
			fromX, toX := x*side/columns, (x+1)*side/columns
			fromY, toY := y*side/rows, (y+1)*side/rows
			sum := 0
			for row := fromY; row < toY; row++ {
				for _, v := range rgb[3*(row*side+fromX) : 3*(row*side+toX)] {
					sum += int(v)
				}
			}
			cells[y*columns+x] = 1000 * sum / ((toX - fromX) * (toY - fromY)) // thousandths, so that close cells keep their order
		}
	}
	return cells
}

const (
	maxHashBits   = 12    // of 128, in which the hashes of near duplicates may differ
	maxDifference = 0.02  // mean squared difference of near duplicates, as a fraction of the variance: a correlation of 0.99
	seriousPart   = 0.001 // fraction of val from which near duplicates are serious
	maxCandidates = 3     // images of train that an image of val is compared with pixel by pixel
)

// pair is an image of val and one of train.
type pair struct{ val, train int }

// findNearDuplicates finds images of val and test that train contains in another size or compression.
func (c *checker) findNearDuplicates(ctx context.Context) error {
	train := c.splits[0]
	if train.name != "train" {
		return nil
	}
	for _, val := range c.splits[1:] {
		if err := c.compareToTrain(ctx, train, val); err != nil {
			return err
		}
	}
	return nil
}

// compareToTrain finds near duplicates of train in val. Candidates are found by their hashes and then
// compared pixel by pixel.
func (c *checker) compareToTrain(ctx context.Context, train, val *checkedSplit) error {
	index := indexHashes(train.seen)
	candidates := make([][]int, len(val.seen))
	known := contents(train.seen)
	err := parallel(ctx, c.options.Workers, len(val.seen), func(_ *data.ImageReader, _ *canvas, i int) error {
		if e := val.seen[i]; e.state != unreadable && !e.flat && !known[e.content] {
			candidates[i] = index.closest(train.seen, e.hash)
		}
		return nil
	}, func(*canvas) {})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var found []pair
	err = parallel(ctx, c.options.Workers, len(val.seen), func(r *data.ImageReader, w *canvas, i int) error {
		if candidates[i] == nil {
			return nil
		}
		t, err := firstDuplicate(ctx, r, w, val.set.Samples[i], train.set.Samples, candidates[i])
		if err == nil && t >= 0 {
			mu.Lock()
			found = append(found, pair{i, t})
			mu.Unlock()
		}
		return err
	}, func(*canvas) {})
	slices.SortFunc(found, func(a, b pair) int { return a.val - b.val })
	var examples []Example
	for _, p := range found {
		examples = append(examples, Example{val.set.Samples[p.val].Path, "looks like " + train.set.Samples[p.train].Path})
	}
	severity := Warning // one handwritten digit in thousands may resemble another
	if float64(len(found)) > seriousPart*float64(len(val.seen)) {
		severity = Serious
	}
	c.find(severity, "lookalikes_in_train_and_"+val.name, examples,
		"images of "+val.name+" are near duplicates of images of train, in another size or compression: the accuracy on "+val.name+" would be too high. Remove one of each pair")
	return err
}

// contents is the set of the contents of readable images.
func contents(seen []examined) map[[12]byte]bool {
	known := make(map[[12]byte]bool, len(seen))
	for _, e := range seen {
		if e.state != unreadable {
			known[e.content] = true
		}
	}
	return known
}

// firstDuplicate returns the first candidate with nearly the same pixels, or -1.
func firstDuplicate(ctx context.Context, r *data.ImageReader, w *canvas, image data.Sample, among []data.Sample, candidates []int) (int, error) {
	if err := w.load(ctx, r, image); err != nil {
		return -1, sys.SystemError(err)
	}
	want := slices.Clone(w.pixels)
	for _, t := range candidates {
		if err := w.load(ctx, r, among[t]); err != nil {
			if err := sys.SystemError(err); err != nil {
				return -1, err
			}
			continue
		}
		if samePicture(w.pixels, want) {
			return t, nil
		}
	}
	return -1, nil
}

// samePicture compares pixels relative to the contrast of the picture: two digits on black also differ
// by few levels on average.
func samePicture(a, b []byte) bool {
	var p pixelSums
	p.addPixels(a)
	contrast := float64(p.pixels) * (p.variance(0) + p.variance(1) + p.variance(2))
	difference := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		difference += d * d
	}
	return float64(difference) <= maxDifference*contrast
}

// hashIndex finds images by a band of their hash: those with value v of band b are
// images[b][first[b][v]:first[b][v+1]].
type hashIndex struct {
	first  [bands][]int32
	images [bands][]int32
}

func indexHashes(seen []examined) *hashIndex {
	x := &hashIndex{}
	for b := range bands {
		count := make([]int32, 1<<16+1)
		for _, e := range seen {
			count[int(e.hash.band(b))+1]++
		}
		for v := range 1 << 16 {
			count[v+1] += count[v]
		}
		x.first[b] = count
		next := slices.Clone(count)
		x.images[b] = make([]int32, len(seen))
		for i, e := range seen {
			v := e.hash.band(b)
			x.images[b][next[v]] = int32(i)
			next[v]++
		}
	}
	return x
}

// closest returns up to maxCandidates images with a hash close to l, the closest first.
func (x *hashIndex) closest(seen []examined, l imageHash) []int {
	type candidate struct{ distance, image int }
	var best []candidate
	for b := range bands {
		v := int(l.band(b))
		for _, i := range x.images[b][x.first[b][v]:x.first[b][v+1]] {
			e := &seen[i]
			d := e.hash.distance(l)
			found := candidate{d, int(i)}
			if d > maxHashBits || e.state == unreadable || e.flat || slices.Contains(best, found) {
				continue
			}
			at, _ := slices.BinarySearchFunc(best, found, func(a, b candidate) int { return (a.distance-b.distance)*len(seen) + a.image - b.image })
			best = slices.Insert(best, at, found)
			best = best[:min(len(best), maxCandidates)]
		}
	}
	var images []int
	for _, c := range best {
		images = append(images, c.image)
	}
	return images
}
