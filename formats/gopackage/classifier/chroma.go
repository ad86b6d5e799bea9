package classifier

import "image"

// JPEG files are converted to RGB as by libjpeg. Chroma of half the resolution is interpolated as by libjpeg's "fancy
// upsampling" (libjpeg-turbo, jdsample.c), with which networks are trained: a new sample is 3/4 of the nearer and 1/4 of the
// farther old one. The standard library repeats samples.

// yCbCrRow returns a function that writes row y as RGB.
func yCbCrRow(m *image.YCbCr) func(y int, dst []uint8) {
	b := m.Bounds()
	halfX := m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio422
	halfY := m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio440
	narrow := halfX && b.Dx() <= 4 // libjpeg repeats them too
	if !halfX && !halfY || narrow || (b.Min.X|b.Min.Y)&1 != 0 {
		return repeatedRow(m)
	}
	columns, rows := b.Dx(), b.Dy() // of chroma
	if halfX {
		columns = (columns + 1) / 2
	}
	if halfY {
		rows = (rows + 1) / 2
	}
	old, cb, cr := make([]int32, columns), make([]uint8, 2*columns), make([]uint8, 2*columns)
	return func(y int, dst []uint8) {
		near, far := y, y
		if halfY {
			near = y / 2
			far = max(0, min(near-1+y%2*2, rows-1))
		}
		at := m.COffset(b.Min.X, b.Min.Y)
		for _, plane := range []struct{ src, dst []uint8 }{{m.Cb, cb}, {m.Cr, cr}} {
			between(plane.src[at+near*m.CStride:], plane.src[at+far*m.CStride:], halfY, old)
			if halfX {
				doubled(old, halfY, plane.dst)
				continue
			}
			for i, s := range old { // rounded down in even rows, up in odd ones
				plane.dst[i] = uint8((s + 1 + int32(y%2)) >> 2)
			}
		}
		for x, v := range m.Y[m.YOffset(b.Min.X, b.Min.Y+y):][:b.Dx()] {
			dst[3*x], dst[3*x+1], dst[3*x+2] = rgb(v, cb[x], cr[x])
		}
	}
}

// between writes four times the values between two rows, or the values of the nearer row if it is not interpolated.
func between(near, far []uint8, interpolated bool, dst []int32) {
	for i := range dst {
		dst[i] = int32(near[i])
		if interpolated {
			dst[i] = 3*int32(near[i]) + int32(far[i])
		}
	}
}

// doubled writes two samples for each value. Rounding alternates, so that it has no direction.
func doubled(src []int32, four bool, dst []uint8) {
	shift, left, right := 2, int32(1), int32(2)
	if four { // the values are four times samples
		shift, left, right = 4, 8, 7
	}
	for i, v := range src {
		before, after := src[max(0, i-1)], src[min(i+1, len(src)-1)]
		dst[2*i] = uint8((3*v + before + left) >> shift)
		dst[2*i+1] = uint8((3*v + after + right) >> shift)
	}
}

// repeatedRow takes the sample of chroma that covers a pixel.
func repeatedRow(m *image.YCbCr) func(y int, dst []uint8) {
	b := m.Bounds()
	return func(y int, dst []uint8) {
		for x := range b.Dx() {
			i, c := m.YOffset(b.Min.X+x, b.Min.Y+y), m.COffset(b.Min.X+x, b.Min.Y+y)
			dst[3*x], dst[3*x+1], dst[3*x+2] = rgb(m.Y[i], m.Cb[c], m.Cr[c])
		}
	}
}

// rgb converts a pixel as libjpeg does, jdcolor.c: with factors of 16 bits, rounded. color.YCbCrToRGB rounds down.
func rgb(y, cb, cr uint8) (r, g, b uint8) {
	const half = 1 << 15
	y1, cb1, cr1 := int32(y), int32(cb)-128, int32(cr)-128
	return saturated(y1 + (91881*cr1+half)>>16), saturated(y1 + (-22554*cb1-46802*cr1+half)>>16), saturated(y1 + (116130*cb1+half)>>16)
}

func saturated(v int32) uint8 { return uint8(max(0, min(v, 255))) }
