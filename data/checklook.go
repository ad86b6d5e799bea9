package data

import (
	"context"
	"math/bits"
	"slices"
	"sync"
)

// look is a perceptual hash: which of the cells of a coarse picture is brighter than its
// neighbor to the left (9x8 cells) and above (8x9), 64 bits each. It is the difference
// hash of N. Krawetz, "Kind of Like That" (2013), in both directions: resizing and
// compressing change few of its bits.
type look [2]uint64

func (l look) distance(o look) int { return bits.OnesCount64(l[0]^o[0]) + bits.OnesCount64(l[1]^o[1]) }

// bands are the sixteen-bit parts of a look, by which alike ones are found.
const bands = 8

func (l look) band(i int) uint16 { return uint16(l[i/4] >> (16 * (i % 4))) }

// lookOf returns the look of checkSide x checkSide RGB pixels.
func lookOf(rgb []byte) (l look) {
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
			fromX, toX := x*checkSide/columns, (x+1)*checkSide/columns
			fromY, toY := y*checkSide/rows, (y+1)*checkSide/rows
			sum := 0
			for row := fromY; row < toY; row++ {
				for _, v := range rgb[3*(row*checkSide+fromX) : 3*(row*checkSide+toX)] {
					sum += int(v)
				}
			}
			cells[y*columns+x] = 1000 * sum / ((toX - fromX) * (toY - fromY)) // thousandths, so that close cells keep their order
		}
	}
	return cells
}

const (
	alikeBits    = 12    // of 128, in which looks of the same picture may differ
	alikeShare   = 0.02  // of the pixels' variance that their differences may have: a correlation of 0.99
	alikeSerious = 0.001 // share of val from which such copies are serious
	mostAlike    = 3     // images of train that one of val is compared with, pixel by pixel
)

// pair is an image of val and one of train.
type pair struct{ val, train int }

// findLookalikes finds images of val that train holds in another size or compression.
// Candidates come from their looks, and are then compared pixel by pixel.
func (c *checkup) findLookalikes(ctx context.Context) error {
	if len(c.splits) != 2 {
		return nil
	}
	train, val := c.splits[0], c.splits[1]
	index := indexLooks(train.seen)
	candidates := make([][]int, len(val.seen))
	known := contents(train.seen)
	err := parallel(ctx, c.options.Workers, len(val.seen), func(_ *reader, _ *sheet, i int) error {
		if e := val.seen[i]; e.state != unreadable && !e.flat && !known[e.content] {
			candidates[i] = index.closest(train.seen, e.look)
		}
		return nil
	}, func(*sheet) {})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var alike []pair
	err = parallel(ctx, c.options.Workers, len(val.seen), func(r *reader, w *sheet, i int) error {
		if candidates[i] == nil {
			return nil
		}
		t, err := firstAlike(ctx, r, w, val.set.Samples[i], train.set.Samples, candidates[i])
		if err == nil && t >= 0 {
			mu.Lock()
			alike = append(alike, pair{i, t})
			mu.Unlock()
		}
		return err
	}, func(*sheet) {})
	slices.SortFunc(alike, func(a, b pair) int { return a.val - b.val })
	var examples []Example
	for _, p := range alike {
		examples = append(examples, Example{val.set.Samples[p.val].Path, "looks like " + train.set.Samples[p.train].Path})
	}
	severity := Warning // one digit in thousands may look like another
	if float64(len(alike)) > alikeSerious*float64(len(val.seen)) {
		severity = Serious
	}
	c.find(severity, "lookalikes_in_train_and_val", examples,
		"images of val look the same as images of train, in another size or compression: validation would flatter. Remove one of each pair")
	return err
}

// contents is the set of what readable images hold.
func contents(seen []examined) map[[12]byte]bool {
	known := make(map[[12]byte]bool, len(seen))
	for _, e := range seen {
		if e.state != unreadable {
			known[e.content] = true
		}
	}
	return known
}

// firstAlike returns the first candidate that looks the same pixel by pixel, or -1.
func firstAlike(ctx context.Context, r *reader, w *sheet, image Sample, among []Sample, candidates []int) (int, error) {
	if err := w.draw(ctx, r, image); err != nil {
		return -1, machineError(err)
	}
	want := slices.Clone(w.pixels)
	for _, t := range candidates {
		if err := w.draw(ctx, r, among[t]); err != nil {
			if err := machineError(err); err != nil {
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

// samePicture compares pixels in proportion to the picture's contrast: two digits on black
// differ by few levels on average too.
func samePicture(a, b []byte) bool {
	var p pixelSums
	p.addPixels(a)
	contrast := float64(p.pixels) * (p.variance(0) + p.variance(1) + p.variance(2))
	difference := 0
	for i, v := range a {
		d := int(v) - int(b[i])
		difference += d * d
	}
	return float64(difference) <= alikeShare*contrast
}

// machineError passes on what is no fault of an image.
func machineError(err error) error {
	if isSystemError(err) {
		return err
	}
	return nil
}

// lookIndex finds images by a band of their look: those of band b and value v are
// images[b][first[b][v]:first[b][v+1]].
type lookIndex struct {
	first  [bands][]int32
	images [bands][]int32
}

func indexLooks(seen []examined) *lookIndex {
	x := &lookIndex{}
	for b := range bands {
		count := make([]int32, 1<<16+1)
		for _, e := range seen {
			count[int(e.look.band(b))+1]++
		}
		for v := range 1 << 16 {
			count[v+1] += count[v]
		}
		x.first[b] = count
		next := slices.Clone(count)
		x.images[b] = make([]int32, len(seen))
		for i, e := range seen {
			v := e.look.band(b)
			x.images[b][next[v]] = int32(i)
			next[v]++
		}
	}
	return x
}

// closest returns up to mostAlike images whose looks differ little from l, the closest first.
func (x *lookIndex) closest(seen []examined, l look) []int {
	type candidate struct{ distance, image int }
	var best []candidate
	for b := range bands {
		v := int(l.band(b))
		for _, i := range x.images[b][x.first[b][v]:x.first[b][v+1]] {
			e := &seen[i]
			d := e.look.distance(l)
			found := candidate{d, int(i)}
			if d > alikeBits || e.state == unreadable || e.flat || slices.Contains(best, found) {
				continue
			}
			at, _ := slices.BinarySearchFunc(best, found, func(a, b candidate) int { return (a.distance-b.distance)*len(seen) + a.image - b.image })
			best = slices.Insert(best, at, found)
			best = best[:min(len(best), mostAlike)]
		}
	}
	var images []int
	for _, c := range best {
		images = append(images, c.image)
	}
	return images
}
