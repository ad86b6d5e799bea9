package jpeg

import (
	"errors"
	"fmt"
)

const (
	// MaxPixels is the size of the largest image that is decoded: Pillow's MAX_IMAGE_PIXELS.
	MaxPixels = 89_478_485
	// MaxSide is the longest side that a JPEG header can contain. Other formats have the same limit.
	MaxSide = 65_535
)

// Errors of a decoder.
var (
	// ErrClosed is returned by every method of a closed Decoder.
	ErrClosed = errors.New("jpeg: the decoder is closed")
	// ErrNotRegular says that a name refers to a folder, a FIFO, a socket or a device.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooManyPixels says that an image has more than MaxPixels pixels.
	ErrTooManyPixels = errors.New("more than 89,478,485 pixels")
	// ErrTooLarge says that a file is larger than the limit of ReadFile.
	ErrTooLarge = errors.New("the file is too large")
)

// Environment is a variable that disables parts of the package, for measurements and to locate
// differences; it changes speed and no pixel. It is a list, separated by commas, of "portable" or "avx2"
// (slower ISA variants of the inner loops) and "libjpeg" (no decoder of our own). NewDecoder and the
// methods of Image read it.
const Environment = "DEPTHWISE_JPEG"

// Stats counts the work of a decoder.
type Stats struct {
	ISA         string // variant of the inner loops: portable, avx2 or avx512; "go" without cgo
	Own         uint64 // images decoded by the package's own decoder
	ByLibjpeg   uint64 // images decoded by libjpeg-turbo
	Allocations uint64 // memory blocks allocated by C; images similar to previous ones need none
}

// Image is Width x Height pixels of interleaved R, G and B bytes. Its methods change it in place,
// allocate nothing, and give the pixels of torchvision's transforms.v2 on uint8 tensors on every
// processor. Pixels must hold 3*Width*Height bytes.
type Image struct {
	Pixels        []byte
	Width, Height int
}

// Tables maps each value of R, G and B to another.
type Tables [3][256]uint8

// Counts is a histogram of R, G and B.
type Counts [3][256]uint32

// Affine maps a pixel of the output to one of the source, both in the coordinates of torchvision's
// _affine_grid: the output in pixels from the center, the source in halves of the image's size. The rows
// are x and y, the columns the factors of x, y and 1.
type Affine [6]float32

// Axis is one axis of a resize: the source pixels [Origin, Origin+Size) become Scaled pixels, of which
// [First, First+Count) are written.
type Axis struct {
	Origin, Size, Scaled, First, Count int
}

// Filter is the interpolation of a resize; both are as wide as the reduction (antialiased).
type Filter int

// The filters, numbered as in worker.h.
const (
	Bilinear Filter = iota // a triangle
	Bicubic                // Keys' cubic with a = -0.5, as in PyTorch and Pillow
)

// Resize is an antialiased resize of a region of an image, and the window of the result that is written.
// Flip mirrors that window horizontally.
type Resize struct {
	X, Y   Axis
	Filter Filter
	Flip   bool
	// Fast lets DecodeResized decode an image with a side above 1,000 pixels at half its size, from the
	// lowest DCT frequencies, if the result is half as large or less. The result is close to the exact
	// one, not equal. Only the package's own decoder does so.
	Fast bool
}

func (im Image) count() int { return im.Width * im.Height }

// check validates a resize to a destination of that many bytes.
func (r Resize) check(bytes, stride int) error {
	if !r.X.valid() || !r.Y.valid() || r.Filter != Bilinear && r.Filter != Bicubic {
		return fmt.Errorf("jpeg: not a resize: %+v", r)
	}
	row := 3 * r.X.Count
	if !fitsC(stride) || stride < row || bytes < (r.Y.Count-1)*stride+row {
		return fmt.Errorf("jpeg: %d bytes with a stride of %d cannot hold %dx%d pixels", bytes, stride, r.X.Count, r.Y.Count)
	}
	return nil
}

// checkSource validates a resize of src, width x height pixels.
func (r Resize) checkSource(src []byte, width, height int) error {
	if !fitsC(width, height) || len(src) != 3*width*height {
		return fmt.Errorf("jpeg: %d bytes are not an image of %dx%d", len(src), width, height)
	}
	return nil
}

func (r Resize) checkRegion(width, height int) error {
	if r.X.Origin+r.X.Size > width || r.Y.Origin+r.Y.Size > height {
		return errors.New("jpeg: the region is not inside the image")
	}
	return nil
}

func (a Axis) valid() bool {
	return fitsC(a.Origin, a.Size, a.Scaled, a.First, a.Count) &&
		a.Size >= 1 && a.Size <= MaxSide && a.Count >= 1 && a.Count <= MaxSide && a.First+a.Count <= a.Scaled
}

// fitsC reports whether all of v are natural numbers far below the largest C int.
func fitsC(v ...int) bool {
	for _, n := range v {
		if n < 0 || n > 1<<30 {
			return false
		}
	}
	return true
}
