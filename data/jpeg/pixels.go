package jpeg

// #include "pixels.h"
import "C"

import "unsafe"

// Image is Width x Height pixels of interleaved R, G and B bytes. Its methods change it
// in place, allocate nothing, and end in the pixels of torchvision's transforms.v2 on
// uint8 tensors, on every processor. Pixels must hold 3*Width*Height bytes.
type Image struct {
	Pixels        []byte
	Width, Height int
}

// Tables holds a value for each value of R, G and B.
type Tables [3][256]uint8

// Counts holds how often each value of R, G and B occurs.
type Counts [3][256]uint32

func (im Image) count() int { return im.Width * im.Height }

// bytes is where the pixels lie; they are as many as the size says.
func (im Image) bytes() *C.uint8_t { return bytePointer(im.Pixels[:3*im.count()]) }

// Map replaces each value by that of its channel's table.
func (im Image) Map(t *Tables) {
	C.dw_map(im.bytes(), C.size_t(im.count()), (*C.uint8_t)(unsafe.Pointer(t)))
}

// Histogram adds the image to the counts.
func (im Image) Histogram(c *Counts) {
	C.dw_histogram(im.bytes(), C.size_t(im.count()), (*C.uint32_t)(unsafe.Pointer(c)))
}

// GraySum is the sum of the pixels' luma (ITU-R 601), each rounded down.
func (im Image) GraySum() uint64 {
	return uint64(C.dw_gray_sum(im.bytes(), C.size_t(im.count())))
}

// Saturate makes it ratio*image + rest*luma.
func (im Image) Saturate(ratio, rest float32) {
	C.dw_saturate(im.bytes(), C.size_t(im.count()), C.float(ratio), C.float(rest))
}

// ShiftHue turns the hue by a share of the circle, from -0.5 to 0.5.
func (im Image) ShiftHue(shift float32) {
	C.dw_hue(im.bytes(), C.size_t(im.count()), C.float(shift))
}

// Sharpen makes it src + rest*(blurred src - src), but for the border, which is src's.
// src has the image's size and other memory.
func (im Image) Sharpen(src []byte, rest float32) {
	C.dw_sharpen(im.bytes(), bytePointer(src[:3*im.count()]), C.int(im.Width), C.int(im.Height), C.float(rest))
}

// Affine maps a pixel of the output to one of the source, both as torchvision's
// _affine_grid has them: the output counted in pixels from the middle, the source in
// halves of the image's size. Rows are x and y, columns the factors of x, y and 1.
type Affine [6]float32

// Warp takes each pixel from src where m says, the nearest one there, or black outside.
// src has the image's size and other memory.
func (im Image) Warp(src []byte, m *Affine) {
	C.dw_warp(im.bytes(), bytePointer(src[:3*im.count()]), C.int(im.Width), C.int(im.Height), (*C.float)(unsafe.Pointer(m)))
}

// Mix makes dst share*dst + (1-share)*other, to the nearest. other is as long as dst.
func Mix(dst, other []byte, share float32) {
	C.dw_mix(bytePointer(dst), bytePointer(other[:len(dst)]), C.size_t(len(dst)), C.float(share))
}
