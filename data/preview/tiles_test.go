package preview

import (
	"bytes"
	"image/color"
	"slices"
	"strings"
	"testing"
)

// TestTiles: each image is at its place, as many as fit.
func TestTiles(t *testing.T) {
	tile := func(red uint8) Tile {
		return Tile{Pixels: bytes.Repeat([]byte{red, 0, 0}, 112*112), Width: 112, Height: 112, Lines: []string{"a", "b"}}
	}
	sheet, drawn := Tiles([]Tile{tile(10), tile(20), tile(30)})
	if drawn != 3 || sheet.RGBAAt(6, 6).R != 10 || sheet.RGBAAt(6+118, 6).R != 20 {
		t.Errorf("%d images, colors %v and %v", drawn, sheet.RGBAAt(6, 6), sheet.RGBAAt(6+118, 6))
	}
	limit := MaxTiles(112, 2)
	many := slices.Repeat([]Tile{tile(1)}, limit+50)
	sheet, drawn = Tiles(many)
	if drawn != limit || sheet.Bounds().Dy() > sheetLimit+sheetGap {
		t.Errorf("%d of %d images are drawn, want %d; %v", drawn, len(many), limit, sheet.Bounds())
	}
}

// TestReduced: means of squares, by hand.
func TestReduced(t *testing.T) {
	pixels := []byte{ // 3x3, the last row and column fill no square
		0, 1, 2, 4, 5, 6, 9, 9, 9,
		8, 9, 10, 13, 13, 14, 9, 9, 9,
		9, 9, 9, 9, 9, 9, 9, 9, 9,
	}
	if got, side := Reduced(pixels, 3, 2); side != 1 || !bytes.Equal(got, []byte{6, 7, 8}) {
		t.Errorf("%v, %d", got, side)
	}
	if got, side := Reduced(pixels, 3, 3); side != 3 || !bytes.Equal(got, pixels) {
		t.Errorf("not reduced: %v, %d", got, side)
	}
}

// TestViridis: matplotlib's colors at the ends and in the middle (matplotlib.colormaps["viridis"](0.5) is 33, 145, 140; steps
// between the ten colors are linear here).
func TestViridis(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want color.RGBA
	}{{0, color.RGBA{68, 1, 84, 255}}, {1, color.RGBA{253, 231, 37, 255}}, {-1, color.RGBA{68, 1, 84, 255}}, {7, color.RGBA{253, 231, 37, 255}}, {0.5, color.RGBA{35, 144, 140, 255}}} {
		if got := Viridis(c.v); got != c.want {
			t.Errorf("%v: %v, want %v", c.v, got, c.want)
		}
	}
}

// TestOverlay: the place of the greatest value is yellow, that of zero dark, and a map of zeros is dark everywhere.
func TestOverlay(t *testing.T) {
	black := make([]byte, 3*4*4)
	im := Overlay(black, 4, []float32{0, 0, 0, 8}, 2, 2)
	last := im.Bounds().Dx() - 1
	if at := im.RGBAAt(last, last); at != (color.RGBA{127, 116, 19, 255}) {
		t.Errorf("the greatest value is %v", at)
	}
	if at := im.RGBAAt(0, 0); at != (color.RGBA{34, 1, 42, 255}) {
		t.Errorf("zero is %v", at)
	}
	if at := Overlay(black, 4, make([]float32, 4), 2, 2).RGBAAt(last, last); at != (color.RGBA{34, 1, 42, 255}) {
		t.Errorf("without importance: %v", at)
	}
	if im.Bounds().Dx() != 224 {
		t.Errorf("%v", im.Bounds())
	}
}

// TestBilinear: torch.nn.functional.interpolate(tensor([[[[0., 1.], [2., 3.]]]]), size=4, mode="bilinear") by hand.
func TestBilinear(t *testing.T) {
	want := [][]float64{{0, 0.25, 0.75, 1}, {0.5, 0.75, 1.25, 1.5}, {1.5, 1.75, 2.25, 2.5}, {2, 2.25, 2.75, 3}}
	for y := range 4 {
		for x := range 4 {
			if got := bilinear([]float32{0, 1, 2, 3}, 2, 2, (float64(y)+0.5)/4, (float64(x)+0.5)/4); got != want[y][x] {
				t.Errorf("%d, %d: %v, want %v", y, x, got, want[y][x])
			}
		}
	}
}

// TestPage: names of files and classes are text, whatever they contain.
func TestPage(t *testing.T) {
	thumbnail, err := Thumbnail(make([]byte, 3*8*8), 8)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	hostile := `<script>"'&`
	if err := Page(&b, "2 images", []Card{{Thumbnail: thumbnail, Title: hostile, Lines: []string{hostile}}, {Title: "bad.jpg", Lines: []string{"cannot be read"}}}); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if strings.Contains(page, hostile) || strings.Contains(page, "<script") || strings.Count(page, "<figure") != 2 || strings.Count(page, `<img src="data:image/jpeg;base64,`) != 1 {
		t.Error(page)
	}
}
