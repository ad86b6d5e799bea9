package check

import (
	"context"
	"crypto/sha256"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/progress"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/jpeg"
)

// side is the size of the square that every whole image is resized to for its statistics.
const side = 224

// examined is the result of the check of an image.
type examined struct {
	content       [12]byte  // the start of the file's SHA-256
	hash          imageHash // of the picture
	width, height int32
	bytes         int64
	format        data.Format
	state         imageState
	flat          bool // of one color
	rotated       bool // EXIF requests another orientation
}

// imageState says whether an image can be used.
type imageState uint8

const (
	sound imageState = iota
	damaged
	unreadable
)

// pixelSums are sums over pixels. They are integers, so that the order of addition does not matter.
type pixelSums struct {
	pixels      int64
	sum, square [3]int64
}

// examineAll decodes every image of every part.
func (c *checker) examineAll(ctx context.Context) error {
	tally := progress.New(c.options.Progress)
	for _, s := range c.splits {
		s.seen, s.reasons = make([]examined, s.set.Len()), map[int]string{}
		tally.Total += int64(s.set.Len())
	}
	var mu sync.Mutex
	for _, s := range c.splits {
		err := parallel(ctx, c.options.Workers, s.set.Len(), func(r *data.ImageReader, work *canvas, i int) error {
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
			tally.Add(1)
			return nil
		}, func(work *canvas) {
			mu.Lock()
			c.pixels.add(work.sums)
			mu.Unlock()
		})
		if err != nil {
			return err
		}
	}
	tally.Finish()
	return nil
}

// parallel calls do for each of n images from several goroutines that each have a reader and a canvas,
// and done with each canvas at the end. The first error ends it.
func parallel(ctx context.Context, workers, n int, do func(*data.ImageReader, *canvas, int) error, done func(*canvas)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			r, err := data.NewImageReader()
			if err != nil {
				cancel(err)
				return
			}
			defer r.Close()
			work := &canvas{pixels: make([]byte, 3*side*side)}
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

// canvas holds the pixels of the current image of a worker.
type canvas struct {
	pixels []byte // side x side, RGB
	sums   pixelSums
}

// load decodes an image and resizes the whole to the canvas.
func (w *canvas) load(ctx context.Context, r *data.ImageReader, s data.Sample) error {
	if err := r.Open(ctx, s); err != nil {
		return err
	}
	return r.Resized(side, side, w.pixels)
}

// examine checks one image. The reason says what is wrong with the image, the error what is wrong with
// the machine.
func (w *canvas) examine(ctx context.Context, r *data.ImageReader, s data.Sample) (e examined, reason string, err error) {
	loaded := w.load(ctx, r, s)
	if sys.IsSystemError(loaded) {
		return e, "", loaded
	}
	if ctx.Err() != nil {
		return e, "", context.Cause(ctx)
	}
	if loaded != nil {
		return examined{state: unreadable}, sys.Reason(loaded), nil
	}
	sum := sha256.Sum256(r.Bytes())
	width, height := r.Size()
	e = examined{content: [12]byte(sum[:]), bytes: int64(len(r.Bytes())), format: r.Format(), width: int32(width), height: int32(height)}
	if r.Format() == data.FormatJPEG {
		reason = jpeg.Damage(r.Bytes())
	}
	if reason != "" {
		e.state = damaged
	}
	e.rotated = r.PendingOrientation() != 1
	var own pixelSums
	own.addPixels(w.pixels)
	w.sums.add(own)
	e.flat = own.flat()
	e.hash = hashOf(w.pixels)
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

// flat reports whether the standard deviation is below two levels, as for a blank image.
func (p *pixelSums) flat() bool {
	const levels = 2
	return max(p.variance(0), p.variance(1), p.variance(2)) < levels*levels
}

// hasExtensionOf reports whether the name of a file has an extension of its format.
func hasExtensionOf(path string, f data.Format) bool {
	extensions := map[data.Format][]string{
		data.FormatJPEG: {".jpg", ".jpeg"}, data.FormatPNG: {".png"}, data.FormatGIF: {".gif"}, data.FormatBMP: {".bmp"},
		data.FormatTIFF: {".tif", ".tiff"}, data.FormatWebP: {".webp"}, data.FormatPNM: {".ppm", ".pgm"},
	}
	return slices.Contains(extensions[f], strings.ToLower(filepath.Ext(path)))
}
