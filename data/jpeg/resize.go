package jpeg

// #include "worker.h"
import "C"

import (
	"errors"
	"fmt"
)

// Axis is one axis of a resize: the source pixels [Origin, Origin+Size) become Scaled
// pixels, of which [First, First+Count) are written.
type Axis struct {
	Origin, Size, Scaled, First, Count int
}

// Resize is an antialiased bilinear resize of a region of an image and the window of
// the result that is wanted. Flip mirrors that window from left to right.
type Resize struct {
	X, Y Axis
	Flip bool
	// Fast lets DecodeResized take an image with a side above 1,000 pixels that becomes
	// half as large or less from its DCT's lowest frequencies, at half its size. That is
	// close to the exact result, not equal. It needs our own decoder.
	Fast bool
}

// DecodeResized decodes what r needs of a JPEG file and writes r.Y.Count rows of
// r.X.Count RGB pixels to dst, the rows stride bytes apart. Unless r is Fast it equals
// Decode of the whole image followed by ResizeRGB, and needs less time and memory.
func (d *Decoder) DecodeResized(data []byte, r Resize, dst []byte, stride int) error {
	if err := d.check(data); err != nil {
		return err
	}
	if err := r.check(len(dst), stride); err != nil {
		return err
	}
	if C.dw_decode_resized(d.worker, bytePointer(data), C.size_t(len(data)), r.X.c(), r.Y.c(), flag(r.Flip), flag(r.Fast),
		bytePointer(dst), C.size_t(stride)) != 0 {
		return d.failure()
	}
	return nil
}

// ResizeRGB does the same for src, a whole image of width x height RGB pixels.
func (d *Decoder) ResizeRGB(src []byte, width, height int, r Resize, dst []byte, stride int) error {
	if err := d.check(src); err != nil {
		return err
	}
	if !fitsC(width, height) || len(src) != 3*width*height {
		return fmt.Errorf("jpeg: %d bytes are not an image of %dx%d", len(src), width, height)
	}
	if err := r.check(len(dst), stride); err != nil {
		return err
	}
	if r.X.Origin+r.X.Size > width || r.Y.Origin+r.Y.Size > height {
		return errors.New("jpeg: the region is not inside the image")
	}
	if C.dw_resize_rgb(d.worker, bytePointer(src), C.int(width), r.X.c(), r.Y.c(), flag(r.Flip),
		bytePointer(dst), C.size_t(stride)) != 0 {
		return d.failure()
	}
	return nil
}

func (r Resize) check(bytes, stride int) error {
	if !r.X.sound() || !r.Y.sound() {
		return fmt.Errorf("jpeg: not a resize: %+v", r)
	}
	row := 3 * r.X.Count
	if !fitsC(stride) || stride < row || bytes < (r.Y.Count-1)*stride+row {
		return fmt.Errorf("jpeg: %d bytes, %d a row, cannot hold %dx%d pixels", bytes, stride, r.X.Count, r.Y.Count)
	}
	return nil
}

func (a Axis) sound() bool {
	return fitsC(a.Origin, a.Size, a.Scaled, a.First, a.Count) &&
		a.Size >= 1 && a.Size <= MaxSide && a.Count >= 1 && a.Count <= MaxSide && a.First+a.Count <= a.Scaled
}

func (a Axis) c() C.dw_axis {
	return C.dw_axis{origin: C.int(a.Origin), size: C.int(a.Size), scaled: C.int(a.Scaled), first: C.int(a.First), count: C.int(a.Count)}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
