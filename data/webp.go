package data

import "image"

// appendWebP converts VP8's colors with libwebp's arithmetic: studio range, chroma upsampled with weights
// 9, 3, 3, 1. (image/color would use JPEG's full range.)
func appendWebP(dst []byte, im *image.YCbCr) []byte {
	w, h := im.Rect.Dx(), im.Rect.Dy()
	cw, ch := (w+1)/2, (h+1)/2
	for y := range h {
		near, far := y/2, clampIndex(y/2-1+y%2*2, ch)
		for x := range w {
			side := clampIndex(x/2-1+x%2*2, cw)
			u := upsample(im.Cb, im.CStride, x/2, side, near, far)
			v := upsample(im.Cr, im.CStride, x/2, side, near, far)
			r, g, b := webpColor(int(im.Y[y*im.YStride+x]), u, v)
			dst = append(dst, r, g, b)
		}
	}
	return dst
}

func clampIndex(i, n int) int { return min(max(i, 0), n-1) }

// upsample interpolates between the four chroma samples around a pixel.
func upsample(plane []byte, stride, x, side, near, far int) int {
	at := func(x, y int) int { return int(plane[y*stride+x]) }
	return (9*at(x, near) + 3*at(side, near) + 3*at(x, far) + at(side, far) + 8) >> 4
}

// webpColor is VP8YUVToR, G and B of libwebp's dsp/yuv.h: 14-bit fixed point.
func webpColor(y, u, v int) (r, g, b byte) {
	multHi := func(x, c int) int { return x * c >> 8 }
	clip := func(x int) byte { return byte(min(max(x>>6, 0), 255)) }
	l := multHi(y, 19077)
	return clip(l + multHi(v, 26149) - 14234),
		clip(l - multHi(u, 6419) - multHi(v, 13320) + 8708),
		clip(l + multHi(u, 33050) - 17685)
}
