package data

import (
	"math"

	"depthwise.dev/data/jpeg"
)

// canvas is an image that operations change in place. Each gives the pixels of the function of the same
// name in torchvision.transforms.v2.functional on uint8 tensors, and allocates nothing after the first
// image of a size.
type canvas struct {
	jpeg.Image
	before []uint8 // copy of the image, for operations that move pixels
	tables jpeg.Tables
	counts jpeg.Counts
	matrix jpeg.Affine
}

// open sets the image, which is square.
func (c *canvas) open(pixels []uint8, side int) {
	c.Image = jpeg.Image{Pixels: pixels, Width: side, Height: side}
}

// copied returns a copy of the image.
func (c *canvas) copied() []uint8 {
	if cap(c.before) < len(c.Pixels) {
		c.before = make([]uint8, len(c.Pixels))
	}
	c.before = c.before[:len(c.Pixels)]
	copy(c.before, c.Pixels)
	return c.before
}

// each applies f to the values of all channels.
func (c *canvas) each(f func(value float32) float32) {
	for v := range 256 {
		out := level(f(float32(v)))
		c.tables[0][v], c.tables[1][v], c.tables[2][v] = out, out, out
	}
	c.Map(&c.tables)
}

// level clamps a value to 0..255 and rounds down, as torch converts to uint8.
func level(v float32) uint8 { return uint8(max(0, min(255, v))) }

// addProduct is a + b*c, rounded once: torch adds with a fused multiply-add.
func addProduct(a, b, c float32) float32 {
	return float32(math.FMA(float64(b), float64(c), float64(a)))
}

// brightness multiplies by a factor.
func (c *canvas) brightness(factor float64) {
	f := float32(factor)
	c.each(func(v float32) float32 { return v * f })
}

// contrast blends with the mean luma: factor 0 gives the mean, 1 the image.
func (c *canvas) contrast(factor float64) {
	ratio, rest := float32(factor), float32(1-factor)
	mean := float32(c.GraySum()) / float32(c.Width*c.Height)
	c.each(func(v float32) float32 { return addProduct(v*ratio, rest, mean) })
}

// saturation blends with the luma: factor 0 gives gray, 1 the image.
func (c *canvas) saturation(factor float64) { c.Saturate(float32(factor), float32(1-factor)) }

// hue adds a fraction of the color circle, from -0.5 to 0.5, to the hue.
func (c *canvas) hue(shift float64) { c.ShiftHue(float32(shift)) }

// sharpness blends with a blurred image: factor 0 gives the blurred image, 1 the image.
func (c *canvas) sharpness(factor float64) {
	if c.Width > 2 && c.Height > 2 {
		c.Sharpen(c.copied(), float32(1-factor))
	}
}

// posterize keeps the highest bits of each value.
func (c *canvas) posterize(bits int) {
	mask := ^uint8(0) << (8 - bits)
	c.each(func(v float32) float32 { return float32(uint8(v) & mask) })
}

// solarize inverts the values at and above the threshold.
func (c *canvas) solarize(threshold float64) {
	c.each(func(v float32) float32 {
		if v >= float32(threshold) {
			return 255 - v
		}
		return v
	})
}

// autocontrast stretches each channel to 0..255.
func (c *canvas) autocontrast() {
	c.count()
	for channel, counts := range &c.counts {
		low, high := 0, 255
		for counts[low] == 0 {
			low++
		}
		for counts[high] == 0 {
			high--
		}
		from, scale := float32(low), float32(high-low)*float32(1./255)
		if low == high {
			from, scale = 0, 1
		}
		for v := range 256 {
			c.tables[channel][v] = level((float32(v) - from) / scale)
		}
	}
	c.Map(&c.tables)
}

// equalize equalizes the histogram of each channel as Pillow does.
func (c *canvas) equalize() {
	c.count()
	for channel, counts := range &c.counts {
		highest := 255
		for counts[highest] == 0 {
			highest--
		}
		step := (uint32(c.Width*c.Height) - counts[highest]) / 255
		below := step / 2
		for v, n := range &counts {
			c.tables[channel][v] = uint8(v)
			if step > 0 {
				c.tables[channel][v] = uint8(min(255, below/step))
			}
			below += n
		}
	}
	c.Map(&c.tables)
}

func (c *canvas) count() {
	c.counts = jpeg.Counts{}
	c.Histogram(&c.counts)
}

// shearX moves each row by m times its distance from the top.
func (c *canvas) shearX(m float64) {
	tan := math.Tan(math.Atan(m))
	c.warp(1, tan, float64(c.Height)/2*tan, 0, 1, 0)
}

// shearY moves each column by m times its distance from the left.
func (c *canvas) shearY(m float64) {
	tan := math.Tan(math.Atan(m))
	c.warp(1, 0, 0, tan, 1, float64(c.Width)/2*tan)
}

// translate moves the image by whole pixels.
func (c *canvas) translate(x, y int) { c.warp(1, 0, float64(-x), 0, 1, float64(-y)) }

// rotate rotates the image about its center, counterclockwise.
func (c *canvas) rotate(degrees float64) {
	angle := degrees * (math.Pi / 180)
	sin, cos := math.Sin(angle), math.Cos(angle)
	c.warp(cos, -sin, 0, sin, cos, 0)
}

// warp copies each pixel from the place that the matrix gives, both relative to the center.
func (c *canvas) warp(xx, xy, x1, yx, yy, y1 float64) {
	halfWidth, halfHeight := float32(c.Width)/2, float32(c.Height)/2
	m := &c.matrix
	*m = jpeg.Affine{float32(xx) / halfWidth, float32(xy) / halfWidth, float32(x1) / halfWidth,
		float32(yx) / halfHeight, float32(yy) / halfHeight, float32(y1) / halfHeight}
	c.Warp(c.copied(), m)
}
