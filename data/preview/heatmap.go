package preview

import (
	"image"
	"image/color"
	"slices"
)

// viridis has colors of matplotlib's map of that name at equal steps: perceptually uniform, and readable without color vision.
var viridis = [...][3]float64{{68, 1, 84}, {72, 40, 120}, {62, 74, 137}, {49, 104, 142}, {38, 130, 142}, {31, 158, 137},
	{53, 183, 121}, {109, 205, 89}, {180, 222, 44}, {253, 231, 37}}

// Viridis is the color of a value from 0 (dark blue) to 1 (yellow).
func Viridis(v float64) color.RGBA {
	at := max(0, min(v, 1)) * float64(len(viridis)-1)
	i := min(int(at), len(viridis)-2)
	var rgb [3]uint8
	for c := range rgb {
		a, b := viridis[i][c], viridis[i+1][c]
		rgb[c] = uint8(a + (at-float64(i))*(b-a) + 0.5)
	}
	return color.RGBA{rgb[0], rgb[1], rgb[2], 255}
}

// heatOpacity is the weight of the map's color in an overlay; that of the image is the rest.
const heatOpacity = 0.5

// Overlay draws a map of values of at least 0, height*width, over an image of side*side RGB pixels in shades of gray, in the colors
// of [Viridis]: 0 to the greatest value. The map is enlarged bilinearly, as torch's interpolate does without align_corners. Images
// below 224 pixels are enlarged by an integer factor.
func Overlay(pixels []uint8, side int, values []float32, height, width int) *image.RGBA {
	scale := 0.0
	if greatest := slices.Max(values); greatest > 0 {
		scale = 1 / float64(greatest)
	}
	zoom := max(1, (223+side)/side)
	im := image.NewRGBA(image.Rect(0, 0, zoom*side, zoom*side))
	for y := range zoom * side {
		for x := range zoom * side {
			v := bilinear(values, height, width, (float64(y)+0.5)/float64(zoom*side), (float64(x)+0.5)/float64(zoom*side))
			p := pixels[3*(y/zoom*side+x/zoom):]
			gray := 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2]) // ITU-R 601
			im.SetRGBA(x, y, mixed(Viridis(v*scale), gray))
		}
	}
	return im
}

// mixed is a color over a shade of gray.
func mixed(c color.RGBA, gray float64) color.RGBA {
	mix := func(a uint8) uint8 { return uint8(heatOpacity*float64(a) + (1-heatOpacity)*gray + 0.5) }
	return color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
}

// bilinear interpolates a map at a place from 0 to 1; each value is at the middle of its cell.
func bilinear(values []float32, height, width int, y, x float64) float64 {
	y, x = max(0, y*float64(height)-0.5), max(0, x*float64(width)-0.5)
	y0, x0 := min(int(y), height-1), min(int(x), width-1)
	y1, x1 := min(y0+1, height-1), min(x0+1, width-1)
	dy, dx := y-float64(y0), x-float64(x0)
	at := func(y, x int) float64 { return float64(values[y*width+x]) }
	return (1-dy)*((1-dx)*at(y0, x0)+dx*at(y0, x1)) + dy*((1-dx)*at(y1, x0)+dx*at(y1, x1))
}
