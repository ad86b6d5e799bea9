// Package preview shows batches as the network receives them: contact sheets and pixel statistics.
package preview

import (
	"fmt"
	"image"
	"image/color"
	"strings"

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
	tiles := make([]Tile, b.N)
	for i := range tiles {
		tiles[i] = Tile{Pixels: b.Pixels[3*b.Width*b.Height*i:], Width: b.Width, Height: b.Height, Lines: captions(b, i, classes)}
	}
	sheet, _ := tilesOf(tiles, Tile{Width: b.Width, Height: b.Height, Lines: make([]string, 1+min(1, len(b.MixedLabels)))})
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
	if len(b.Targets) > 0 {
		return []string{targetNames(b, i, name)}
	}
	if len(b.MixedLabels) == 0 {
		return []string{name(b.Labels[i])}
	}
	return []string{
		fmt.Sprintf("%2.0f%% %s", 100*b.Lambda, name(b.Labels[i])),
		fmt.Sprintf("%2.0f%% %s", 100-100*b.Lambda, name(b.MixedLabels[i])),
	}
}

// targetNames lists the classes of an image of multi-label data, of mixed ones with their targets.
func targetNames(b *data.Batch, i int, name func(int64) string) string {
	var list []string
	classes := len(b.Targets) / b.N
	for class, target := range b.Targets[i*classes : (i+1)*classes] {
		switch {
		case target == 1:
			list = append(list, name(int64(class)))
		case target > 0:
			list = append(list, fmt.Sprintf("%.0f%% %s", 100*target, name(int64(class))))
		}
	}
	return strings.Join(list, ", ")
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
