package tiff

import "math"

// labToRGB converts CIELab of 8 bits (L 0..255 for 0..100, a and b signed) to sRGB. Lab's white is D50, as
// in ICC profiles; the matrix is that of sRGB, adapted to D50 by Bradford's transform (ICC sRGB profile).
// Pillow converts through Little CMS, whose results differ by rounding.
func labToRGB(dst, row []byte, samples int) {
	for i := range len(dst) / 3 {
		p := row[i*samples:]
		fy := (float64(p[0])*100/255 + 16) / 116
		x := 0.9642 * labInverse(fy+float64(int8(p[1]))/500)
		y := labInverse(fy)
		z := 0.8249 * labInverse(fy-float64(int8(p[2]))/200)
		dst[3*i] = sRGB(3.1338561*x - 1.6168667*y - 0.4906146*z)
		dst[3*i+1] = sRGB(-0.9787684*x + 1.9161415*y + 0.0334540*z)
		dst[3*i+2] = sRGB(0.0719453*x - 0.2289914*y + 1.4052427*z)
	}
}

// labInverse is CIE 15: the inverse of the cube root with its linear part.
func labInverse(t float64) float64 {
	if t > 6.0/29 {
		return t * t * t
	}
	return (t - 16.0/116) * 108 / 841
}

// sRGB encodes linear light. IEC 61966-2-1.
func sRGB(v float64) byte {
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return byte(min(max(v*255+0.5, 0), 255))
}
