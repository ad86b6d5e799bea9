// Package preview shows batches as the network receives them: contact sheets and pixel statistics.
package preview

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"

	"depthwise.dev/data"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Sizes of the sheet, in pixels.
const (
	sheetGap   = 6
	sheetLine  = 15  // of text
	sheetTile  = 112 // minimum width of an image, so that a class name fits
	sheetLimit = 4096
)

// Sheet draws the images of a batch in a grid, each above its class name, as the network receives them
// before normalization. Small images are enlarged by an integer factor. For a mixed batch, both classes
// are printed with their weights. Images that do not fit into 4096 pixels of height are omitted.
func Sheet(b *data.Batch, classes []string) *image.RGBA {
	zoom := max(1, (sheetTile+b.Width-1)/b.Width)
	tile := image.Pt(zoom*b.Width, zoom*b.Height)
	lines := 1
	if len(b.MixedLabels) > 0 {
		lines = 2
	}
	cell := tile.Add(image.Pt(sheetGap, sheetGap+lines*sheetLine))
	columns := max(1, min(b.N, int(math.Ceil(math.Sqrt(float64(b.N)*float64(cell.Y)/float64(cell.X)))), sheetLimit/cell.X))
	rows := min((b.N+columns-1)/columns, max(1, sheetLimit/cell.Y))
	sheet := image.NewRGBA(image.Rect(0, 0, columns*cell.X+sheetGap, rows*cell.Y+sheetGap))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	for i := range min(b.N, rows*columns) {
		at := image.Pt(sheetGap+i%columns*cell.X, sheetGap+i/columns*cell.Y)
		drawEnlarged(sheet, at, b.Pixels[3*b.Width*b.Height*i:], b.Width, b.Height, zoom)
		for line, text := range captions(b, i, classes) {
			drawText(sheet, at.Add(image.Pt(0, tile.Y+line*sheetLine)), text, tile.X)
		}
	}
	return sheet
}

// captions returns the lines below image i.
func captions(b *data.Batch, i int, classes []string) []string {
	name := func(class int64) string {
		if class < 0 || int(class) >= len(classes) {
			return fmt.Sprintf("class %d", class)
		}
		return classes[class]
	}
	if len(b.MixedLabels) == 0 {
		return []string{name(b.Labels[i])}
	}
	return []string{
		fmt.Sprintf("%2.0f%% %s", 100*b.Lambda, name(b.Labels[i])),
		fmt.Sprintf("%2.0f%% %s", 100-100*b.Lambda, name(b.MixedLabels[i])),
	}
}

func drawEnlarged(sheet *image.RGBA, at image.Point, pixels []uint8, width, height, zoom int) {
	for y := range height * zoom {
		for x := range width * zoom {
			p := pixels[3*(y/zoom*width+x/zoom):]
			sheet.SetRGBA(at.X+x, at.Y+y, color.RGBA{p[0], p[1], p[2], 255})
		}
	}
}

// drawText draws one line, cut to the width, below a point.
func drawText(sheet *image.RGBA, at image.Point, text string, width int) {
	face := basicfont.Face7x13
	if letters, fit := []rune(text), width/face.Advance; len(letters) > fit {
		text = string(letters[:max(0, fit-2)]) + ".."
	}
	d := font.Drawer{Dst: sheet, Src: image.Black, Face: face, Dot: fixed.P(at.X, at.Y+face.Ascent+1)}
	d.DrawString(text)
}
