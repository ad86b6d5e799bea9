//go:build !cgo

package jpeg

import (
	"errors"
	"fmt"
	"image"
)

// Decoder decodes one image at a time. Without cgo it is the standard library's decoder: slower, and its
// pixels are not exactly those of libjpeg-turbo.
type Decoder struct {
	closed bool
	file   []byte // of ReadFile
	images uint64
}

// NewDecoder returns a decoder. Its error is always nil.
func NewDecoder() (*Decoder, error) { return &Decoder{}, nil }

// Close ends the decoder.
func (d *Decoder) Close() { *d = Decoder{closed: true} }

// Stats returns the work of the decoder so far.
func (d *Decoder) Stats() Stats {
	if d.closed {
		return Stats{}
	}
	return Stats{ISA: "go", Own: d.images}
}

// Size reads the header of a JPEG file and returns its size in pixels.
func (d *Decoder) Size(data []byte) (width, height int, err error) {
	if d.closed {
		return 0, 0, ErrClosed
	}
	return goSize(data)
}

// Check reads the header and looks for the end marker.
func (d *Decoder) Check(data []byte) error {
	if d.closed {
		return ErrClosed
	}
	return goCheck(data)
}

// Decode writes the pixels of crop to dst, 3 bytes (R, G, B) per pixel.
func (d *Decoder) Decode(data []byte, crop image.Rectangle, dst []byte) error {
	if d.closed {
		return ErrClosed
	}
	size := crop.Size()
	if size.X < 1 || size.Y < 1 || len(dst) != 3*size.X*size.Y {
		return fmt.Errorf("jpeg: %d bytes cannot hold the crop %v", len(dst), crop)
	}
	rgb, width, height, err := goDecode(data)
	if err != nil {
		return err
	}
	if !crop.In(image.Rect(0, 0, width, height)) {
		return fmt.Errorf("jpeg: the crop %v is not inside the image", crop)
	}
	d.images++
	for y := range size.Y {
		copy(dst[3*y*size.X:][:3*size.X], rgb[3*((crop.Min.Y+y)*width+crop.Min.X):])
	}
	return nil
}

// DecodeResized decodes a JPEG file and writes r.Y.Count rows of r.X.Count RGB pixels to dst, with rows
// stride bytes apart. Fast has no effect.
func (d *Decoder) DecodeResized(data []byte, r Resize, dst []byte, stride int) error {
	if d.closed {
		return ErrClosed
	}
	if err := r.check(len(dst), stride); err != nil {
		return err
	}
	rgb, width, height, err := goDecode(data)
	if err != nil {
		return err
	}
	if err := r.checkRegion(width, height); err != nil {
		return err
	}
	d.images++
	goResize(rgb, width, r, dst, stride)
	return nil
}

// ResizeRGB does the same for src, a whole image of width x height RGB pixels.
func (d *Decoder) ResizeRGB(src []byte, width, height int, r Resize, dst []byte, stride int) error {
	if d.closed {
		return ErrClosed
	}
	if len(src) == 0 {
		return errors.New("jpeg: the image is empty")
	}
	if err := errors.Join(r.checkSource(src, width, height), r.check(len(dst), stride), r.checkRegion(width, height)); err != nil {
		return err
	}
	goResize(src, width, r, dst, stride)
	return nil
}

// ReadFile reads a whole regular file of at most limit bytes into the decoder's memory, where it remains
// valid until the next ReadFile or Close. It never waits for a FIFO. Errors are *fs.PathError.
func (d *Decoder) ReadFile(path string, limit int64) (content []byte, err error) {
	if d.closed {
		return nil, ErrClosed
	}
	if content, err = goReadFile(path, limit, d.file); err != nil {
		return nil, err
	}
	d.file = content
	return content, nil
}

// Damage decodes a JPEG file and returns the decoder's error, or "" if there is none.
func Damage(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	if _, _, _, err := goDecode(data); err != nil {
		return err.Error()
	}
	return ""
}

// Map replaces each value by that of the table of its channel.
func (im Image) Map(t *Tables) { goMap(im.bytes(), t) }

// Histogram adds the image to the counts.
func (im Image) Histogram(c *Counts) { goHistogram(im.bytes(), c) }

// GraySum is the sum of the pixels' luma (ITU-R 601), each rounded down.
func (im Image) GraySum() uint64 { return goGraySum(im.bytes()) }

// Saturate computes ratio*image + rest*luma.
func (im Image) Saturate(ratio, rest float32) { goSaturate(im.bytes(), ratio, rest) }

// ShiftHue adds a fraction of the color circle, from -0.5 to 0.5, to the hue.
func (im Image) ShiftHue(shift float32) { goShiftHue(im.bytes(), shift) }

// Sharpen computes src + rest*(blurred src - src), except for the border, which is that of src. src has
// the image's size and other memory.
func (im Image) Sharpen(src []byte, rest float32) {
	goSharpen(im.bytes(), src, im.Width, im.Height, rest)
}

// Warp copies each pixel from the nearest pixel of src at the place that m gives, or black outside. src
// has the image's size and other memory.
func (im Image) Warp(src []byte, m *Affine) { goWarp(im.bytes(), src, im.Width, im.Height, m) }

// Mix computes lambda*dst + (1-lambda)*other, rounded to the nearest. other is as long as dst.
func Mix(dst, other []byte, lambda float32) { goMix(dst, other, lambda) }

func (im Image) bytes() []byte { return im.Pixels[:3*im.count()] }
