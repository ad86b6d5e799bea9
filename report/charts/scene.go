package charts

import (
	"fmt"
	"image"
)

// Chart is one of the types of this package.
type Chart interface {
	// draw returns the shapes of the chart, or what is wrong with its values.
	draw() (*scene, error)
}

// point is a position in pixels from the upper left corner.
type point struct{ x, y float64 }

// scene is a drawing: shapes from back to front.
type scene struct {
	width, height float64
	title         string // for screen readers, like description
	description   string
	shapes        []shape
}

// shape is one of the kinds below, with what it needs.
type shape struct {
	kind   kind
	points []point // of a path: at least two; of a rect: upper left and lower right corner; else the position
	radius float64 // of a circle; of the corners of a rect
	fill   paint
	stroke paint
	width  float64 // of the stroke
	dashed bool
	text   label
	image  *image.NRGBA // of a picture
	tip    string       // shown when the pointer is over the shape; "": nothing
}

type kind int

const (
	path kind = iota
	rect
	circle
	text
	picture
)

// label is a line of text.
type label struct {
	text    string
	size    float64 // of the font, in pixels
	bold    bool
	anchor  anchor
	upward  bool // rotated to read from bottom to top
	outline bool // with an outline in the color of the background, so that lines behind do not cross it
}

// anchor is the part of a text that is at its position.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// paint is a color with an opacity. The zero value paints nothing.
type paint struct {
	role    role
	opacity float64
}

func solid(r role) paint { return paint{r, 1} }

// Sizes of text in pixels.
const (
	titleSize = 15
	textSize  = 12
	smallSize = 11
)

func (s *scene) add(shapes ...shape) { s.shapes = append(s.shapes, shapes...) }

func (s *scene) line(stroke paint, width float64, points ...point) {
	s.add(shape{kind: path, points: points, stroke: stroke, width: width})
}

func (s *scene) box(fill paint, x, y, width, height float64, tip string) {
	s.add(shape{kind: rect, points: []point{{x, y}, {x + width, y + height}}, fill: fill, tip: tip})
}

func (s *scene) write(fill paint, at point, l label) {
	if l.size == 0 {
		l.size = textSize
	}
	s.add(shape{kind: text, points: []point{at}, fill: fill, text: l})
}

// heading draws the title of the chart and returns the y below it.
func (s *scene) heading(title string, x float64) float64 {
	if title == "" {
		return 8
	}
	s.write(solid(ink), point{x, 20}, label{text: title, size: titleSize, bold: true})
	return 30
}

// noData draws in the middle of an area that there is nothing to draw.
func (s *scene) noData(x, y, width, height float64, why string) {
	s.write(solid(muted), point{x + width/2, y + height/2}, label{text: why, anchor: middle, outline: true})
}

// legendEntry is a series in a legend.
type legendEntry struct {
	name   string
	color  paint
	dashed bool
	dot    bool // a disc in place of a line
	ring   bool
}

// legend draws entries in lines of at most a width, and returns the y below them. The names of one entry need none.
func (s *scene) legend(entries []legendEntry, x, y, width float64) float64 {
	const swatch, gap, line = 20, 16, 18
	at := x
	for _, e := range entries {
		w := swatch + 6 + textWidth(e.name, textSize, false)
		if at > x && at+w > x+width {
			at, y = x, y+line
		}
		middleY := y + 8
		switch {
		case e.ring:
			s.add(shape{kind: circle, points: []point{{at + swatch/2, middleY}}, radius: 4, stroke: e.color, width: 1.5})
		case e.dot:
			s.add(shape{kind: circle, points: []point{{at + swatch/2, middleY}}, radius: 4, fill: e.color})
		default:
			s.add(shape{kind: path, points: []point{{at, middleY}, {at + swatch, middleY}}, stroke: e.color, width: 2.5, dashed: e.dashed})
		}
		s.write(solid(muted), point{at + swatch + 6, y + 12}, label{text: e.name})
		at += w + gap
	}
	if len(entries) == 0 {
		return y
	}
	return y + line + 4
}

// wrap adds the name of a chart to an error.
func wrap(title string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("charts: %q: %w", title, err)
}
