package jpeg

// #include "pixels.h"
import "C"

import "unsafe"

// bytes returns the address of the pixels and panics if there are fewer than the size requires.
func (im Image) bytes() *C.uint8_t { return bytePointer(im.Pixels[:3*im.count()]) }

// Map replaces each value by that of the table of its channel.
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

// Saturate computes ratio*image + rest*luma.
func (im Image) Saturate(ratio, rest float32) {
	C.dw_saturate(im.bytes(), C.size_t(im.count()), C.float(ratio), C.float(rest))
}

// ShiftHue adds a fraction of the color circle, from -0.5 to 0.5, to the hue.
func (im Image) ShiftHue(shift float32) {
	C.dw_hue(im.bytes(), C.size_t(im.count()), C.float(shift))
}

// Sharpen computes src + rest*(blurred src - src), except for the border, which is that of src. src has
// the image's size and other memory.
func (im Image) Sharpen(src []byte, rest float32) {
	C.dw_sharpen(im.bytes(), bytePointer(src[:3*im.count()]), C.int(im.Width), C.int(im.Height), C.float(rest))
}

// Warp copies each pixel from the nearest pixel of src at the place that m gives, or black outside. src
// has the image's size and other memory.
func (im Image) Warp(src []byte, m *Affine) {
	C.dw_warp(im.bytes(), bytePointer(src[:3*im.count()]), C.int(im.Width), C.int(im.Height), (*C.float)(unsafe.Pointer(m)))
}

// Mix computes lambda*dst + (1-lambda)*other, rounded to the nearest. other is as long as dst.
func Mix(dst, other []byte, lambda float32) {
	C.dw_mix(bytePointer(dst), bytePointer(other[:len(dst)]), C.size_t(len(dst)), C.float(lambda))
}
