package data

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"depthwise.dev/data/jpeg"
)

// keepPixels is how many bytes of pixels a reader keeps between images.
const keepPixels = 64 << 20

// reader reads images for one goroutine, and keeps its memory between them.
type reader struct {
	jpeg   *jpeg.Decoder
	pcg    rand.PCG
	random *rand.Rand // draws from pcg
	canvas canvas     // of the image that is augmented

	// The image that was opened last.
	data          []byte // the file
	own           []byte // memory of data, when it came from a shard
	reading       time.Duration
	format        format
	rgb           []byte // its pixels, unless it is a JPEG
	width, height int    // as it is seen

	fast        bool        // decode large JPEG files at half their size where that does
	exif        bool        // turn images as their EXIF data says
	orientation orientation // of the image that was opened last
	turned      []byte      // its view, before place
}

func newReader() (*reader, error) {
	decoder, err := jpeg.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	r := &reader{jpeg: decoder}
	r.random = rand.New(&r.pcg)
	return r, nil
}

func (r *reader) close() { r.jpeg.Close() }

// open reads a file and its size.
func (r *reader) open(path string) error {
	return r.openSample(context.Background(), Sample{Path: path})
}

// openSample reads a sample and its size.
func (r *reader) openSample(ctx context.Context, s Sample) error {
	if err := r.read(ctx, s); err != nil {
		return err
	}
	return r.openData()
}

// openData finds the format and size of what was read; formats other than JPEG are decoded at once.
func (r *reader) openData() (err error) {
	if err := r.tellFormat(); err != nil {
		return err
	}
	if r.format == formatJPEG {
		if r.width, r.height, err = r.jpeg.Size(r.data); err == nil {
			r.orient()
		}
		return err
	}
	if cap(r.rgb) > keepPixels {
		r.rgb = nil // a giant was here; most images need little
	}
	rgb, w, h, err := decodeRGB(r.format, r.data, r.rgb)
	if err != nil {
		return err
	}
	r.rgb, r.width, r.height = rgb, w, h
	r.orient()
	return nil
}

// orient makes the size the one that is seen. Pillow turns TIFF files always, others
// when it is asked to.
func (r *reader) orient() {
	r.orientation = upright
	if r.exif || r.format == formatTIFF {
		r.orientation = exifOrientation(r.format, r.data)
		r.width, r.height = r.orientation.seen(r.width, r.height)
	}
}

// read reads a sample.
func (r *reader) read(ctx context.Context, s Sample) (err error) {
	start := time.Now()
	r.data, r.width, r.height = nil, 0, 0
	if s.part.in == nil {
		r.data, err = readFile(r.jpeg, s.Path)
	} else {
		r.own, err = s.part.read(ctx, r.own)
		r.data = r.own
	}
	r.reading = time.Since(start)
	return err
}

func (r *reader) tellFormat() error {
	var reason string
	if r.format, reason = formatOf(r.data); reason != "" {
		return fmt.Errorf("%s", reason)
	}
	return nil
}

// draw writes a view of the open image to dst, side x side RGB pixels.
func (r *reader) draw(v view, side int, dst []byte) error {
	if v.resize.X.Count < side || v.resize.Y.Count < side {
		clear(dst)
	}
	window := dst[3*(v.top*side+v.left):]
	return r.render(v.resize, window, 3*side)
}

// render writes a part of the open image, resized, to rows of stride bytes.
func (r *reader) render(part jpeg.Resize, dst []byte, stride int) error {
	if r.orientation == upright {
		return r.resize(part, r.width, r.height, dst, stride)
	}
	w, h := r.orientation.seen(r.width, r.height) // as it is stored
	s := r.orientation.stored(part, w, h)
	r.turned = slices.Grow(r.turned[:0], 3*s.X.Count*s.Y.Count)[:3*s.X.Count*s.Y.Count]
	if err := r.resize(s, w, h, r.turned, 3*s.X.Count); err != nil {
		return err
	}
	r.orientation.place(r.turned, part, dst, stride)
	return nil
}

// resize writes a part of the stored image.
func (r *reader) resize(s jpeg.Resize, w, h int, dst []byte, stride int) error {
	if r.format == formatJPEG {
		s.Fast = r.fast
		return r.jpeg.DecodeResized(r.data, s, dst, stride)
	}
	return r.jpeg.ResizeRGB(r.rgb, w, h, s, dst, stride)
}

// check reads as much of a sample as tells, quickly, whether it can be decoded.
func (r *reader) check(ctx context.Context, s Sample) error {
	if err := r.read(ctx, s); err != nil {
		return err
	}
	if err := r.tellFormat(); err != nil {
		return err
	}
	if r.format == formatJPEG {
		return r.jpeg.Check(r.data)
	}
	return checkHeader(r.format, r.data)
}

// LoadImage reads one image file in evaluation's geometry: Resolution x Resolution RGB
// pixels, 3 bytes each.
func LoadImage(path string, p Preprocess) (pixels []uint8, err error) {
	return evaluated(path, p, func(r *reader) error { return r.open(path) })
}

// DecodeImage is [LoadImage] for the content of an image file.
func DecodeImage(file []byte, p Preprocess) (pixels []uint8, err error) {
	return evaluated("image", p, func(r *reader) error {
		r.data = file
		return r.openData()
	})
}

// evaluated is the image that a reader opens, in evaluation's geometry. Its name is for errors.
func evaluated(name string, p Preprocess, open func(*reader) error) (pixels []uint8, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	r, err := newReader()
	if err != nil {
		return nil, err
	}
	defer r.close()
	r.exif = p.EXIF
	if err := open(r); isSystemError(err) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("data: %s: %s", name, reasonOf(err))
	}
	pixels = make([]uint8, 3*p.Resolution*p.Resolution)
	if err := r.draw(p.evaluation(r.width, r.height), p.Resolution, pixels); err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	return pixels, nil
}
