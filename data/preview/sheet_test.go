package preview

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"

	"depthwise.dev/data"
)

// solid is a batch of n images of one color each: (10i, 20, 30).
func solid(n, side int) *data.Batch {
	b := &data.Batch{N: n, Width: side, Height: side, Lambda: 1}
	for i := range n {
		b.Pixels = append(b.Pixels, bytes.Repeat([]byte{uint8(10 * i), 20, 30}, side*side)...)
		b.Labels = append(b.Labels, int64(i%2))
	}
	return b
}

// TestSheet: every image lies in its cell, unchanged, with writing beneath it.
func TestSheet(t *testing.T) {
	for _, c := range []struct {
		name                string
		n, side             int
		mixed               bool
		columns, rows, tile int
	}{
		{"as they are", 6, 120, false, 3, 2, 120},
		{"enlarged four times", 5, 28, false, 3, 2, 112},
		{"mixed", 4, 120, true, 3, 2, 120},
		{"one", 1, 224, false, 1, 1, 224},
		{"nothing", 0, 224, false, 1, 0, 224},
		{"more than have room", 400, 224, false, 17, 16, 224},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := solid(c.n, c.side)
			lines := 1
			if c.mixed {
				b.MixedLabels, b.Lambda, lines = []int64{1, 1, 0, 0}, 0.7, 2
			}
			sheet := Sheet(b, []string{"cat", "a class with a name that is far too long for the width"})
			cell := image.Pt(c.tile+sheetGap, c.tile+sheetGap+lines*sheetLine)
			if want := image.Rect(0, 0, c.columns*cell.X+sheetGap, c.rows*cell.Y+sheetGap); sheet.Bounds() != want {
				t.Fatalf("%v, want %v", sheet.Bounds(), want)
			}
			for i := range min(c.n, c.columns*c.rows) {
				at := image.Pt(sheetGap+i%c.columns*cell.X, sheetGap+i/c.columns*cell.Y)
				color := color.RGBA{uint8(10 * i), 20, 30, 255}
				for _, p := range []image.Point{{}, {c.tile - 1, 0}, {0, c.tile - 1}, {c.tile - 1, c.tile - 1}, {c.tile / 2, c.tile / 3}} {
					if got := sheet.RGBAAt(at.X+p.X, at.Y+p.Y); got != color {
						t.Fatalf("image %d at %v: %v, want %v", i, p, got, color)
					}
				}
				for line := range lines {
					beneath := image.Rect(0, 0, c.tile, sheetLine).Add(at).Add(image.Pt(0, c.tile+line*sheetLine))
					if n := black(sheet, beneath); n < 15 {
						t.Errorf("image %d, line %d: %d black pixels", i, line, n)
					}
				}
				if n := black(sheet, image.Rect(at.X+c.tile, at.Y, at.X+cell.X, at.Y+cell.Y)); n > 0 {
					t.Errorf("image %d: text runs out of its cell, %d pixels", i, n)
				}
			}
		})
	}
}

func black(m *image.RGBA, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if m.RGBAAt(x, y) == (color.RGBA{0, 0, 0, 255}) {
				n++
			}
		}
	}
	return n
}

func TestCaptions(t *testing.T) {
	b := &data.Batch{N: 2, Labels: []int64{0, 7}, Lambda: 1}
	if got := append(captions(b, 0, []string{"cat"}), captions(b, 1, []string{"cat"})...); got[0] != "cat" || got[1] != "class 7" {
		t.Errorf("%q", got)
	}
	b.MixedLabels, b.Lambda = []int64{1, 0}, 0.92
	if got := captions(b, 0, []string{"cat", "dog"}); got[0] != "92% cat" || got[1] != " 8% dog" {
		t.Errorf("%q", got)
	}
}

func TestPixelStats(t *testing.T) {
	var m PixelStats
	if mean, std := m.MeanStd(); mean != [3]float64{} || std != [3]float64{} {
		t.Errorf("of nothing: %v, %v", mean, std)
	}
	m.Add(solid(2, 3)) // red 0 and 10
	m.Add(solid(3, 3)) // red 0, 10 and 20
	mean, std := m.MeanStd()
	want := [2][3]float64{{8. / 255, 20. / 255, 30. / 255}, {math.Sqrt(56) / 255}} // of 0, 10, 0, 10, 20
	for i := range 3 {
		if math.Abs(mean[i]-want[0][i]) > 1e-12 || math.Abs(std[i]-want[1][i]) > 1e-8 { // a root of what cancels
			t.Errorf("mean %v, deviation %v, want %v", mean, std, want)
		}
	}
}
