package report

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// rooflineLabels draws the labels of the points. Each is at the first position around its point
// where it overlaps neither points nor other labels; if there is none, at the last position.
type rooflineLabels struct {
	points []RooflinePoint
	colors map[string]color.Color
}

// labelSize is the font size of the labels in points.
const labelSize = 8

func (l rooflineLabels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, q := range l.points {
		at := vg.Point{X: x(q.Intensity), Y: y(q.GFLOPS)}
		taken = append(taken, around(at, 4))
	}
	for _, q := range l.points {
		if q.Label == "" {
			continue
		}
		style := text.Style{Color: l.colors[q.Kind], Font: font.From(plot.DefaultFont, labelSize), Handler: plot.DefaultTextHandler}
		at := vg.Point{X: x(q.Intensity), Y: y(q.GFLOPS)}
		box := placeLabel(at, style.Width(q.Label), labelSize, c.Rectangle, taken)
		taken = append(taken, box)
		c.StrokeLine2(draw.LineStyle{Color: color.Gray{Y: 150}, Width: 0.5}, at.X, at.Y, clamp(at.X, box.Min.X, box.Max.X),
			clamp(at.Y, box.Min.Y, box.Max.Y))
		c.FillText(style, box.Min, q.Label)
	}
}

func around(p vg.Point, r vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: p.X - r, Y: p.Y - r}, Max: vg.Point{X: p.X + r, Y: p.Y + r}}
}

// clamp limits v to [low, high].
func clamp(v, low, high vg.Length) vg.Length { return min(max(v, low), high) }

// labelDirections are the directions from a point to its label, those below the point first.
var labelDirections = []vg.Point{{X: 1, Y: -0.4}, {X: -1, Y: -0.4}, {X: 0.3, Y: -1}, {X: -0.3, Y: -1}, {X: 1, Y: 0.4}, {X: -1, Y: 0.4}}

// placeLabel tries positions in all directions at increasing distances from the point.
func placeLabel(at vg.Point, width, height vg.Length, inside vg.Rectangle, taken []vg.Rectangle) vg.Rectangle {
	var box vg.Rectangle
	for distance := vg.Length(5); distance < 150; distance += 4 {
		for _, direction := range labelDirections {
			low := vg.Point{X: at.X + direction.X*distance, Y: at.Y + direction.Y*distance - height/2}
			if direction.X < 0 {
				low.X -= width
			}
			box = vg.Rectangle{Min: low, Max: vg.Point{X: low.X + width, Y: low.Y + height}}
			within := box.Min.X >= inside.Min.X && box.Max.X <= inside.Max.X && box.Min.Y >= inside.Min.Y && box.Max.Y <= inside.Max.Y
			if within && isFree(box, taken) {
				return box
			}
		}
	}
	return box
}

// isFree reports whether box overlaps none of the taken rectangles.
func isFree(box vg.Rectangle, taken []vg.Rectangle) bool {
	for _, t := range taken {
		if box.Min.X < t.Max.X && t.Min.X < box.Max.X && box.Min.Y < t.Max.Y && t.Min.Y < box.Max.Y {
			return false
		}
	}
	return true
}
