package data

import (
	"context"
	"errors"
	"fmt"

	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
	"depthwise.dev/data/jpeg"
	"depthwise.dev/internal/validate"
)

// MaxFileSize is the size in bytes of the largest file that is read.
const MaxFileSize = sys.MaxFileSize

// DecoderOptions configures a Decoder.
type DecoderOptions struct {
	Preprocess Preprocess
	// MaxPixels is the number of pixels of the largest image. 0: 89,478,485, which is also the maximum.
	MaxPixels int
	// MaxBytes is the size of the largest file. 0: MaxFileSize, which is also the maximum.
	MaxBytes int64
	// Decode is DecodeExact (also when empty) or DecodeFast: JPEG files of much more pixels than are needed
	// at a reduced size, close to the exact pixels, not equal.
	Decode string
}

// Validate returns an error that names every invalid field.
func (o DecoderOptions) Validate() error {
	var v validate.Collector
	v.Check(o.MaxPixels >= 0 && o.MaxPixels <= jpeg.MaxPixels, "MaxPixels", o.MaxPixels, fmt.Sprintf("must be in 0..%d", jpeg.MaxPixels))
	v.Check(o.MaxBytes >= 0 && o.MaxBytes <= MaxFileSize, "MaxBytes", o.MaxBytes, fmt.Sprintf("must be in 0..%d", MaxFileSize))
	v.Check(o.Decode == "" || o.Decode == DecodeExact || o.Decode == DecodeFast, "Decode", o.Decode, fmt.Sprintf("must be %q or %q", DecodeExact, DecodeFast))
	return errors.Join(v.Err(), o.Preprocess.Validate())
}

// Decoder gives images evaluation's geometry: Resolution x Resolution RGB pixels, 3 bytes each. It belongs to
// one goroutine, reuses its memory, and must be closed. An image above a limit is refused with ErrTooLarge
// before memory for its pixels is allocated. Decoding takes at most 12 bytes for each pixel of an image, most
// of them for 16-bit PNG.
type Decoder struct {
	reader     *ImageReader
	preprocess Preprocess
}

// NewDecoder returns a decoder.
func NewDecoder(o DecoderOptions) (*Decoder, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r, err := NewImageReader()
	if err != nil {
		return nil, err
	}
	r.exif, r.fast = o.Preprocess.EXIF, o.Decode == DecodeFast
	if o.MaxPixels > 0 {
		r.maxPixels = o.MaxPixels
	}
	if o.MaxBytes > 0 {
		r.maxBytes = o.MaxBytes
	}
	return &Decoder{reader: r, preprocess: o.Preprocess}, nil
}

// Close frees the decoder's memory.
func (d *Decoder) Close() { d.reader.Close() }

// Load reads and decodes an image file.
func (d *Decoder) Load(ctx context.Context, path string) (pixels []uint8, err error) {
	return d.decode(ctx, path, func() error { return d.reader.Open(ctx, Sample{Path: path}) })
}

// Decode decodes the content of an image file.
func (d *Decoder) Decode(ctx context.Context, file []byte) (pixels []uint8, err error) {
	return d.decode(ctx, "image", func() error {
		d.reader.data = file
		if int64(len(file)) > d.reader.maxBytes {
			return tooLarge{fmt.Errorf("the file has %d bytes: more than %d", len(file), d.reader.maxBytes)}
		}
		return d.reader.openData()
	})
}

// decode decodes the image that open opens. The name is for errors. ctx is checked
// between the steps, and while a PNG file is decompressed.
func (d *Decoder) decode(ctx context.Context, name string, open func() error) (pixels []uint8, err error) {
	defer d.release()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.reader.interrupt = ctx
	defer func() { d.reader.interrupt = context.Background() }()
	err = open()
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	switch {
	case errors.Is(err, jpeg.ErrTooLarge), errors.Is(err, ErrTooLarge):
		return nil, tooLarge{fmt.Errorf("data: %s: %s", names.Show(name), sys.Reason(err))}
	case sys.IsSystemError(err):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("data: %s: %s", names.Show(name), sys.Reason(err))
	}
	p, r := d.preprocess, d.reader
	pixels = make([]uint8, 3*p.Resolution*p.Resolution)
	if err := r.draw(p.evaluation(r.width, r.height), p.Resolution, pixels); err != nil {
		return nil, fmt.Errorf("data: %s: %w", names.Show(name), err)
	}
	return pixels, nil
}

// release drops the file, and the pixels of a very large image.
func (d *Decoder) release() {
	d.reader.data = nil
	if cap(d.reader.rgb) > keepPixels {
		d.reader.rgb = nil
	}
}
