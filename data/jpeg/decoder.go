package jpeg

/*
// In ISO mode gcc does not fuse a*b+c, so the resize's weights are the same everywhere.
#cgo CFLAGS: -O3 -std=c11 -D_POSIX_C_SOURCE=200809L
#cgo LDFLAGS: -ljpeg -lm
#include "worker.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"unsafe"
)

// The limits in C and in Go are the same.
var (
	_ [MaxPixels - C.dw_max_pixels]struct{}
	_ [C.dw_max_pixels - MaxPixels]struct{}
	_ [MaxSide - C.dw_max_side]struct{}
	_ [C.dw_max_side - MaxSide]struct{}
)

// Decoder decodes one image at a time. It belongs to one goroutine and must be closed, since its memory
// is allocated by C.
type Decoder struct {
	worker *C.dw_worker
	path   []byte // the file name that ReadFile passes to C
}

// NewDecoder returns a decoder. It returns an error if libjpeg's version is not that of the headers the
// program was compiled with, or memory is short.
func NewDecoder() (*Decoder, error) {
	w := C.dw_worker_new()
	if w == nil {
		return nil, errors.New("jpeg: libjpeg failed to start: its version is not the one that this program was compiled for, or memory is short")
	}
	return &Decoder{worker: w}, nil
}

// Close frees the decoder's memory, slices from ReadFile included.
func (d *Decoder) Close() {
	C.dw_worker_free(d.worker)
	d.worker = nil
}

// Size reads the header of a JPEG file and returns its size in pixels. A file with a valid header may
// still be damaged.
func (d *Decoder) Size(data []byte) (width, height int, err error) {
	if err := d.check(data); err != nil {
		return 0, 0, err
	}
	d.worker.width, d.worker.height = 0, 0
	if C.dw_header(d.worker, bytePointer(data), C.size_t(len(data))) != 0 {
		if int(d.worker.width)*int(d.worker.height) > MaxPixels {
			return 0, 0, fmt.Errorf("jpeg: %w", ErrTooManyPixels)
		}
		return 0, 0, d.failure()
	}
	return int(d.worker.width), int(d.worker.height), nil
}

// Check reads the header and looks for the end marker, which detects truncated files without decoding
// them.
func (d *Decoder) Check(data []byte) error {
	if err := d.check(data); err != nil {
		return err
	}
	if C.dw_check(d.worker, bytePointer(data), C.size_t(len(data))) != 0 {
		return d.failure()
	}
	return nil
}

// Decode writes the pixels of crop to dst, 3 bytes (R, G, B) per pixel. crop must be inside the image, and
// dst must have exactly 3*crop.Dx()*crop.Dy() bytes.
func (d *Decoder) Decode(data []byte, crop image.Rectangle, dst []byte) error {
	if err := d.check(data); err != nil {
		return err
	}
	size := crop.Size()
	if size.X < 1 || size.Y < 1 || size.X > MaxSide || size.Y > MaxSide || len(dst) != 3*size.X*size.Y {
		return fmt.Errorf("jpeg: %d bytes cannot hold the crop %v", len(dst), crop)
	}
	if !fitsC(crop.Min.X, crop.Min.Y) {
		return fmt.Errorf("jpeg: the crop %v is not inside the image", crop)
	}
	if C.dw_decode(d.worker, bytePointer(data), C.size_t(len(data)), C.int(crop.Min.X), C.int(crop.Min.Y),
		C.int(size.X), C.int(size.Y), bytePointer(dst)) != 0 {
		return d.failure()
	}
	return nil
}

func (d *Decoder) check(data []byte) error {
	if d.worker == nil {
		return ErrClosed
	}
	if len(data) == 0 {
		return errors.New("jpeg: the file is empty")
	}
	return nil
}

// failure returns the error of the previous C call.
func (d *Decoder) failure() error {
	return fmt.Errorf("jpeg: %s", C.GoString(&d.worker.message[0]))
}

func bytePointer(b []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b)))
}
