package jpeg

// #include "worker.h"
import "C"

import (
	"errors"
)

// DecodeResized decodes the region of a JPEG file that r needs and writes r.Y.Count rows of r.X.Count RGB
// pixels to dst, with rows stride bytes apart. Unless r is Fast, the result equals that of Decode of the
// whole image followed by ResizeRGB, with less time and memory.
func (d *Decoder) DecodeResized(data []byte, r Resize, dst []byte, stride int) error {
	if err := d.check(data); err != nil {
		return err
	}
	if err := r.check(len(dst), stride); err != nil {
		return err
	}
	if C.dw_decode_resized(d.worker, bytePointer(data), C.size_t(len(data)), r.X.c(r.Filter), r.Y.c(r.Filter), flag(r.Flip), flag(r.Fast),
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
	if err := errors.Join(r.checkSource(src, width, height), r.check(len(dst), stride), r.checkRegion(width, height)); err != nil {
		return err
	}
	if C.dw_resize_rgb(d.worker, bytePointer(src), C.int(width), r.X.c(r.Filter), r.Y.c(r.Filter), flag(r.Flip),
		bytePointer(dst), C.size_t(stride)) != 0 {
		return d.failure()
	}
	return nil
}

func (a Axis) c(f Filter) C.dw_axis {
	return C.dw_axis{origin: C.int(a.Origin), size: C.int(a.Size), scaled: C.int(a.Scaled), first: C.int(a.First), count: C.int(a.Count), filter: C.int(f)}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
