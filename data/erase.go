package data

import (
	"image"
	"math"
	"math/rand/v2"
)

// torchvision's RandomErasing: the rectangle's area as a fraction of the image, and its aspect ratio,
// height/width (https://arxiv.org/abs/1708.04896).
var (
	eraseScale = [2]float64{0.02, 0.33}
	eraseRatio = [2]float64{0.3, 3.3}
)

// eraseBox draws a rectangle. It is empty if ten attempts do not fit.
func eraseBox(width, height int, rng *rand.Rand) image.Rectangle {
	area := float64(width) * float64(height)
	for range 10 {
		target := area * uniform(rng, eraseScale[0], eraseScale[1])
		ratio := math.Exp(uniform(rng, math.Log(eraseRatio[0]), math.Log(eraseRatio[1])))
		h := int(math.RoundToEven(math.Sqrt(target * ratio)))
		w := int(math.RoundToEven(math.Sqrt(target / ratio)))
		if h < height && w < width {
			y := rng.IntN(height - h + 1)
			x := rng.IntN(width - w + 1)
			return image.Rect(x, y, x+w, y+h)
		}
	}
	return image.Rectangle{}
}

// fill fills a rectangle of the image with one color.
func (c *canvas) fill(box image.Rectangle, color [3]uint8) {
	if box.Empty() {
		return
	}
	n := 3 * box.Dx()
	first := c.Pixels[3*(box.Min.Y*c.Width+box.Min.X):][:n]
	for i := range first {
		first[i] = color[i%3]
	}
	for y := box.Min.Y + 1; y < box.Max.Y; y++ {
		copy(c.Pixels[3*(y*c.Width+box.Min.X):][:n], first)
	}
}

// zeroColor is the color that normalization maps to zero, to half a level: torchvision's default fill,
// which it applies after normalization.
func (p Preprocess) zeroColor() (color [3]uint8) {
	for i, m := range p.Mean {
		color[i] = level(float32(math.RoundToEven(255 * m)))
	}
	return color
}
