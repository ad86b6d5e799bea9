package data

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"depthwise.dev/data/jpeg"
)

// checkSide is the square that every image is resized to, whole, for its statistics.
const checkSide = 224

// examined is what a check keeps of an image.
type examined struct {
	content       [12]byte // the start of the file's SHA-256
	look          look     // what it looks like
	width, height int32
	bytes         int64
	format        format
	state         imageState
	flat          bool // of one color
	turned        bool // EXIF asks for another orientation
}

// imageState is how an image came through its check.
type imageState uint8

const (
	sound imageState = iota
	damaged
	unreadable
)

// pixelSums adds up pixels: whole numbers, so that the order does not matter.
type pixelSums struct {
	pixels      int64
	sum, square [3]int64
}

// examineAll looks at every image of every split.
func (c *checkup) examineAll(ctx context.Context) error {
	tally := newCounter(c.options.Progress)
	for _, s := range c.splits {
		s.seen, s.reasons = make([]examined, s.set.Len()), map[int]string{}
		tally.total += int64(s.set.Len())
	}
	var mu sync.Mutex
	for _, s := range c.splits {
		err := parallel(ctx, c.options.Workers, s.set.Len(), func(r *reader, work *sheet, i int) error {
			e, reason, err := work.examine(ctx, r, s.set.Samples[i])
			if err != nil {
				return err
			}
			s.seen[i] = e
			if reason != "" {
				mu.Lock()
				s.reasons[i] = reason
				mu.Unlock()
			}
			tally.add(1)
			return nil
		}, func(work *sheet) {
			mu.Lock()
			c.pixels.add(work.sums)
			mu.Unlock()
		})
		if err != nil {
			return err
		}
	}
	tally.finish()
	return nil
}

// parallel calls do for each of n images, by several goroutines that each have a reader
// and a sheet, and done with each sheet at the end. The first error ends it.
func parallel(ctx context.Context, workers, n int, do func(*reader, *sheet, int) error, done func(*sheet)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			r, err := newReader()
			if err != nil {
				cancel(err)
				return
			}
			defer r.close()
			work := &sheet{pixels: make([]byte, 3*checkSide*checkSide)}
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(r, work, i); err != nil {
					cancel(err)
				}
			}
			done(work)
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// sheet is what a worker of a check draws on.
type sheet struct {
	pixels []byte // checkSide x checkSide, RGB
	sums   pixelSums
}

// draw draws a whole image on the sheet.
func (w *sheet) draw(ctx context.Context, r *reader, s Sample) error {
	if err := r.openSample(ctx, s); err != nil {
		return err
	}
	whole := jpeg.Resize{
		X: jpeg.Axis{Size: r.width, Scaled: checkSide, Count: checkSide},
		Y: jpeg.Axis{Size: r.height, Scaled: checkSide, Count: checkSide},
	}
	return r.render(whole, w.pixels, 3*checkSide)
}

// examine looks at one image. The reason says what is wrong with it; the error what is
// wrong with the machine.
func (w *sheet) examine(ctx context.Context, r *reader, s Sample) (e examined, reason string, err error) {
	drawn := w.draw(ctx, r, s)
	if isSystemError(drawn) {
		return e, "", drawn
	}
	if ctx.Err() != nil {
		return e, "", context.Cause(ctx)
	}
	if drawn != nil {
		return examined{state: unreadable}, reasonOf(drawn), nil
	}
	sum := sha256.Sum256(r.data)
	e = examined{content: [12]byte(sum[:]), bytes: int64(len(r.data)), format: r.format, width: int32(r.width), height: int32(r.height)}
	if r.format == formatJPEG {
		reason = jpeg.Damage(r.data)
	}
	if reason != "" {
		e.state = damaged
	}
	e.turned = r.format != formatTIFF && exifOrientation(r.format, r.data) != upright
	var own pixelSums
	own.addPixels(w.pixels)
	w.sums.add(own)
	e.flat = own.flat()
	e.look = lookOf(w.pixels)
	return e, reason, nil
}

func (p *pixelSums) addPixels(rgb []byte) {
	for ; len(rgb) >= 3; rgb = rgb[3:] {
		for c, v := range rgb[:3] {
			p.sum[c] += int64(v)
			p.square[c] += int64(v) * int64(v)
		}
		p.pixels++
	}
}

func (p *pixelSums) add(o pixelSums) {
	p.pixels += o.pixels
	for c := range p.sum {
		p.sum[c] += o.sum[c]
		p.square[c] += o.square[c]
	}
}

// variance is that of one channel, of pixels in 0..255.
func (p *pixelSums) variance(channel int) float64 {
	mean := float64(p.sum[channel]) / float64(p.pixels)
	return max(0, float64(p.square[channel])/float64(p.pixels)-mean*mean)
}

// flat reports whether the pixels differ by less than two levels, as they do on a blank image.
func (p *pixelSums) flat() bool {
	const levels = 2
	return max(p.variance(0), p.variance(1), p.variance(2)) < levels*levels
}

// namesFormat reports whether a file's name ends as those of its format do.
func namesFormat(path string, f format) bool {
	endings := map[format][]string{
		formatJPEG: {".jpg", ".jpeg"}, formatPNG: {".png"}, formatGIF: {".gif"}, formatBMP: {".bmp"},
		formatTIFF: {".tif", ".tiff"}, formatWebP: {".webp"}, formatPNM: {".ppm", ".pgm"},
	}
	return slices.Contains(endings[f], strings.ToLower(filepath.Ext(path)))
}
