package preview

import (
	"image"
	"image/draw"
	"math"
)

// Tile is an image of a sheet with the lines of text below it.
type Tile struct {
	Pixels        []uint8 // Width*Height*3, RGB
	Width, Height int
	Lines         []string
}

// Tiles draws images of the same size in a grid, each above its lines, as many for each. Small ones are enlarged by an integer
// factor. drawn is the number of images that fit into 4096 pixels of height.
func Tiles(tiles []Tile) (sheet *image.RGBA, drawn int) {
	if len(tiles) == 0 {
		return tilesOf(nil, Tile{Width: sheetTile, Height: sheetTile})
	}
	return tilesOf(tiles, tiles[0])
}

// tilesOf is Tiles of images like one.
func tilesOf(tiles []Tile, one Tile) (sheet *image.RGBA, drawn int) {
	n := len(tiles)
	zoom := max(1, (sheetTile+one.Width-1)/one.Width)
	size := image.Pt(zoom*one.Width, zoom*one.Height)
	cell := size.Add(image.Pt(sheetGap, sheetGap+len(one.Lines)*sheetLine))
	columns := max(1, min(n, int(math.Ceil(math.Sqrt(float64(n)*float64(cell.Y)/float64(cell.X)))), sheetLimit/cell.X))
	rows := min((n+columns-1)/columns, max(1, sheetLimit/cell.Y))
	sheet = image.NewRGBA(image.Rect(0, 0, columns*cell.X+sheetGap, rows*cell.Y+sheetGap))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	drawn = min(n, rows*columns)
	for i, t := range tiles[:drawn] {
		at := image.Pt(sheetGap+i%columns*cell.X, sheetGap+i/columns*cell.Y)
		drawEnlarged(sheet, at, t.Pixels, t.Width, t.Height, zoom)
		for line, text := range t.Lines {
			drawText(sheet, at.Add(image.Pt(0, size.Y+line*sheetLine)), text, size.X)
		}
	}
	return sheet, drawn
}

// MaxTiles is the number of thumbnails of a side that a sheet of this package holds, with lines of text.
func MaxTiles(side, lines int) int {
	zoom := max(1, (sheetTile+side-1)/side)
	return (sheetLimit / (zoom*side + sheetGap)) * (sheetLimit / (zoom*side + sheetGap + lines*sheetLine))
}

// Reduced returns RGB pixels with a side divided by the smallest integer that makes it at most limit: means of squares of pixels.
// Rows and columns that fill no square are left out.
func Reduced(pixels []uint8, side, limit int) (reduced []uint8, reducedSide int) {
	factor := (side + limit - 1) / limit
	n := side / factor
	reduced = make([]uint8, 3*n*n)
	for y := range n {
		for x := range n {
			for c := range 3 {
				sum := 0
				for dy := range factor {
					row := 3*((y*factor+dy)*side+x*factor) + c
					for dx := range factor {
						sum += int(pixels[row+3*dx])
					}
				}
				reduced[3*(y*n+x)+c] = uint8((sum + factor*factor/2) / (factor * factor))
			}
		}
	}
	return reduced, n
}
