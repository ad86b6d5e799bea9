package jpeg

// The loops of augmentation in Go. They equal the C code bit for bit: conversions forbid fused
// multiply-adds where C has none. Builds without cgo use them.

// goAddProduct is a + b*c, rounded once: the product of two float32 is exact in float64.
func goAddProduct(a, b, c float32) float32 {
	return float32(float64(a) + float64(b)*float64(c))
}

func goClamp(v, high float32) float32 { return max(0, min(v, high)) }

// goLuma is ITU-R 601's luma as torchvision's _rgb_to_grayscale_image, rounded down.
func goLuma(r, g, b float32) float32 {
	return float32(int(goAddProduct(goAddProduct(float32(r*0.2989), g, 0.587), b, 0.114)))
}

func goMap(pixels []byte, t *Tables) {
	for i, v := range pixels {
		pixels[i] = t[i%3][v]
	}
}

func goHistogram(pixels []byte, c *Counts) {
	for i, v := range pixels {
		c[i%3][v]++
	}
}

func goGraySum(pixels []byte) (sum uint64) {
	for p := pixels; len(p) >= 3; p = p[3:] {
		sum += uint64(goLuma(float32(p[0]), float32(p[1]), float32(p[2])))
	}
	return sum
}

func goSaturate(pixels []byte, ratio, rest float32) {
	for p := pixels; len(p) >= 3; p = p[3:] {
		l := goLuma(float32(p[0]), float32(p[1]), float32(p[2]))
		for c, v := range p[:3] {
			p[c] = byte(goClamp(goAddProduct(float32(float32(v)*ratio), rest, l), 255))
		}
	}
}

func goShiftHue(pixels []byte, shift float32) {
	for p := pixels; len(p) >= 3; p = p[3:] {
		shiftHue(p[:3], shift)
	}
}

// shiftHue is _rgb_to_hsv, the addition to the hue, and _hsv_to_rgb for one pixel.
func shiftHue(p []byte, shift float32) {
	const byteScale = float32(1) / 255
	r, g, b := float32(p[0])*byteScale, float32(p[1])*byteScale, float32(p[2])*byteScale
	high, low := max(r, g, b), min(r, g, b)
	spread := high - low
	s, divisor := spread/high, spread
	if spread == 0 {
		s, divisor = spread, 1
	}
	rc, gc, bc := (high-r)/divisor, (high-g)/divisor, (high-b)/divisor
	var h float32
	switch high {
	case r:
		h = bc - gc
	case g:
		h = (rc + 2) - bc
	default:
		h = (gc + 4) - rc
	}
	h = float32(h*(float32(1)/6)) + 1
	h = (h - float32(int(h))) + shift
	h -= float32(int(h))
	if h < 0 {
		h++
	}
	h = float32(h * 6)
	sector := int(h)
	f := h - float32(sector)
	sf, white := float32(s*f), 1-s
	q, t, w := goClamp(float32((1-sf)*high), 1), goClamp(float32((sf+white)*high), 1), goClamp(float32(white*high), 1)
	rgb := [6][3]float32{{high, t, w}, {q, high, w}, {w, high, t}, {w, q, high}, {t, w, high}, {high, w, q}}[sector%6]
	for c, v := range rgb {
		p[c] = byte(int(v * 255.999)) // torchvision's to_dtype
	}
}

func goSharpen(dst, src []byte, width, height int, rest float32) {
	copy(dst, src[:3*width*height])
	row := 3 * width
	for y := 1; y < height-1; y++ {
		for i := y*row + 3; i < (y+1)*row-3; i++ {
			sum := 4 * int(src[i]) // weight 5 in the center and 1 around it, of 13
			for _, line := range [3]int{i - row, i, i + row} {
				sum += int(src[line-3]) + int(src[line]) + int(src[line+3])
			}
			blurred := (2*sum + 13) / 26
			v := float32(float64(src[i]) + float64(rest)*float64(blurred-int(src[i])))
			dst[i] = byte(goClamp(v, 255))
		}
	}
}

// goNearest rounds a number below 2^22, halves to even.
func goNearest(v float32) int {
	const shift = 12582912 // 1.5 * 2^23
	return int(float32(v+shift) - shift)
}

func goWarp(dst, src []byte, width, height int, m *Affine) {
	halfWidth, halfHeight := float32(width)*0.5, float32(height)*0.5
	left, top := (1-float32(width))*0.5, (1-float32(height))*0.5
	for row := range height {
		y := top + float32(row)
		for column := range width {
			x := left + float32(column)
			u := (float32(x*m[0]) + float32(y*m[1])) + m[2]
			v := (float32(x*m[3]) + float32(y*m[4])) + m[5]
			sx, sy := goNearest(float32((u+1)*halfWidth)-0.5), goNearest(float32((v+1)*halfHeight)-0.5)
			out := dst[3*(row*width+column):][:3]
			if sx < 0 || sx >= width || sy < 0 || sy >= height {
				clear(out)
				continue
			}
			copy(out, src[3*(sy*width+sx):])
		}
	}
}

func goMix(dst, other []byte, lambda float32) {
	rest := 1 - lambda
	for i := range dst {
		dst[i] = byte(int(float32(lambda*float32(dst[i])) + float32(rest*float32(other[i])) + 0.5))
	}
}
