package data

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/jpeg"
)

// StorageError says that the machine or its storage failed repeatedly, not that an image is bad.
type StorageError = sys.StorageError

// keepPixels is the number of bytes of pixels that a reader keeps between images.
const keepPixels = 64 << 20

// ImageReader reads and decodes images for one goroutine and reuses its memory.
type ImageReader struct {
	jpeg   *jpeg.Decoder
	pcg    rand.PCG
	random *rand.Rand // draws from pcg
	canvas canvas     // of the image that is augmented

	path     string                 // of the file that readFile reads
	readFile func() ([]byte, error) // made once: a closure for each image would be an allocation

	// The current image.
	data          []byte // the file
	own           []byte // memory of data if it came from a container
	reading       time.Duration
	format        Format
	rgb           []byte // its pixels, unless it is a JPEG
	width, height int    // after the orientation is applied

	interrupt   context.Context // ends the decoding of an image, whose error is then that of the context
	maxPixels   int             // of an image
	maxBytes    int64           // of a file
	fast        bool            // decode large JPEG files at half size where the crop is small enough
	exif        bool            // apply the EXIF orientation
	orientation orientation     // that is applied to the current image
	stored      []byte          // the view before the orientation is applied
}

// NewImageReader returns a reader, which must be closed.
func NewImageReader() (*ImageReader, error) {
	decoder, err := jpeg.NewDecoder()
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	r := &ImageReader{jpeg: decoder, interrupt: context.Background(), maxPixels: jpeg.MaxPixels, maxBytes: sys.MaxFileSize}
	r.random = rand.New(&r.pcg)
	r.readFile = func() ([]byte, error) { return r.jpeg.ReadFile(r.path, r.maxBytes) }
	return r, nil
}

// Close frees the decoder.
func (r *ImageReader) Close() { r.jpeg.Close() }

// Open reads a sample and its size. Formats other than JPEG are decoded.
func (r *ImageReader) Open(ctx context.Context, s Sample) error {
	if err := r.read(ctx, s); err != nil {
		return err
	}
	return r.openData()
}

// Check reads a sample and verifies as much as can be verified quickly: the header and, for JPEG, the
// end of the file.
func (r *ImageReader) Check(ctx context.Context, s Sample) error {
	if err := r.read(ctx, s); err != nil {
		return err
	}
	if err := r.detectFormat(); err != nil {
		return err
	}
	if r.format == FormatJPEG {
		return r.jpeg.Check(r.data)
	}
	return checkHeader(r.format, r.data)
}

// Bytes returns the current file. It is valid until the next image is read.
func (r *ImageReader) Bytes() []byte { return r.data }

// Format returns the format of the current file.
func (r *ImageReader) Format() Format { return r.format }

// Size returns the size of the current image.
func (r *ImageReader) Size() (width, height int) { return r.width, r.height }

// PendingOrientation returns the EXIF orientation, 1 to 8, that the pixels of the current image still
// need: 1 if there is none or the reader has applied it, as it does for TIFF.
func (r *ImageReader) PendingOrientation() int {
	if r.orientation != upright {
		return int(upright)
	}
	return int(exifOrientation(r.format, r.data))
}

// StoredOrientation returns the EXIF orientation, 1 to 8, in the file that was read or checked. For TIFF it is 1: the
// reader always applies it.
func (r *ImageReader) StoredOrientation() int {
	if r.format == FormatTIFF {
		return int(upright)
	}
	return int(exifOrientation(r.format, r.data))
}

// Resized writes the whole current image, resized with antialiasing as torchvision does, to dst:
// width x height RGB pixels, 3 bytes each.
func (r *ImageReader) Resized(width, height int, dst []byte) error {
	whole := jpeg.Resize{
		X: jpeg.Axis{Size: r.width, Scaled: width, Count: width},
		Y: jpeg.Axis{Size: r.height, Scaled: height, Count: height},
	}
	return r.render(whole, dst, 3*width)
}

// openData detects the format and size of the file that was read. Formats other than JPEG are decoded.
func (r *ImageReader) openData() (err error) {
	if err := r.detectFormat(); err != nil {
		return err
	}
	if r.format == FormatJPEG {
		r.width, r.height, err = r.jpeg.Size(r.data)
		switch {
		case errors.Is(err, jpeg.ErrTooManyPixels):
			return tooLarge{err}
		case err == nil && r.width*r.height > r.maxPixels:
			return tooManyPixels(r.width, r.height, r.maxPixels)
		case err == nil:
			r.orient()
		}
		return err
	}
	if err := r.checkPixels(); err != nil {
		return err
	}
	if cap(r.rgb) > keepPixels {
		r.rgb = nil // free the memory of a very large image
	}
	rgb, w, h, err := decodeRGB(r.interrupt, r.format, r.data, r.rgb)
	if err != nil {
		return err
	}
	r.rgb, r.width, r.height = rgb, w, h
	r.orient()
	return nil
}

// orient applies the orientation to the size. Pillow always applies that of TIFF files, and others on
// request.
func (r *ImageReader) orient() {
	r.orientation = upright
	if r.exif || r.format == FormatTIFF {
		r.orientation = exifOrientation(r.format, r.data)
		r.width, r.height = r.orientation.displayed(r.width, r.height)
	}
}

// read reads the file of a sample.
func (r *ImageReader) read(ctx context.Context, s Sample) (err error) {
	start := time.Now()
	r.data, r.width, r.height = nil, 0, 0
	if s.Part.In == nil {
		r.path = s.Path
		r.data, err = sys.ReadFile(s.Path, r.readFile)
	} else if u, ok := s.Part.In.(UnsizedContainer); ok { // its memory is not the reader's
		r.data, err = u.ReadAll(ctx)
	} else {
		r.own, err = s.Part.read(ctx, r.own)
		r.data = r.own
	}
	r.reading = time.Since(start)
	return err
}

func (r *ImageReader) detectFormat() error {
	var reason string
	if r.format, reason = formatOf(r.data); reason != "" {
		return errors.New(reason)
	}
	return nil
}

// draw writes a view of the current image to dst, side x side RGB pixels.
func (r *ImageReader) draw(v view, side int, dst []byte) error {
	if v.resize.X.Count < side || v.resize.Y.Count < side {
		clear(dst)
	}
	window := dst[3*(v.top*side+v.left):]
	return r.render(v.resize, window, 3*side)
}

// render writes a part of the current image, resized, to rows of stride bytes.
func (r *ImageReader) render(part jpeg.Resize, dst []byte, stride int) error {
	if r.orientation == upright {
		return r.resize(part, r.width, r.height, dst, stride)
	}
	w, h := r.orientation.displayed(r.width, r.height) // the stored size: the exchange of axes is its own inverse
	s := r.orientation.stored(part, w, h)
	r.stored = slices.Grow(r.stored[:0], 3*s.X.Count*s.Y.Count)[:3*s.X.Count*s.Y.Count]
	if err := r.resize(s, w, h, r.stored, 3*s.X.Count); err != nil {
		return err
	}
	r.orientation.apply(r.stored, part, dst, stride)
	return nil
}

// resize writes a part of the stored image.
func (r *ImageReader) resize(s jpeg.Resize, w, h int, dst []byte, stride int) error {
	if r.format == FormatJPEG {
		s.Fast = r.fast
		return r.jpeg.DecodeResized(r.data, s, dst, stride)
	}
	return r.jpeg.ResizeRGB(r.rgb, w, h, s, dst, stride)
}
