package charts

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// Limits of a picture.
const (
	resolution = 2       // pixels of the file for a pixel of the chart, for screens of high resolution
	maxSide    = 1 << 14 // pixels of the file
)

// WritePNG writes a chart on a light background, with two pixels for each of its own in both directions.
func WritePNG(w io.Writer, c Chart) error {
	s, err := c.draw()
	if err != nil {
		return err
	}
	if s.width*resolution > maxSide || s.height*resolution > maxSide {
		return wrap(s.title, fmt.Errorf("%.0f x %.0f pixels are too many for a picture", s.width, s.height))
	}
	canvas := newCanvas(s.width, s.height)
	for _, shape := range s.shapes {
		if err := canvas.draw(shape); err != nil {
			return wrap(s.title, err)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, canvas.picture); err != nil {
		return wrap(s.title, err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return wrap(s.title, err)
	}
	return nil
}

// canvas rasterizes shapes.
type canvas struct {
	picture *image.RGBA
	faces   map[label]font.Face // by size and weight
}

func newCanvas(width, height float64) *canvas {
	c := &canvas{picture: image.NewRGBA(image.Rect(0, 0, int(math.Ceil(width*resolution)), int(math.Ceil(height*resolution)))), faces: map[label]font.Face{}}
	draw.Draw(c.picture, c.picture.Bounds(), image.NewUniform(solid(surface).light()), image.Point{}, draw.Src)
	return c
}

func (c *canvas) draw(s shape) error {
	switch s.kind {
	case text:
		return c.text(s)
	case picture:
		c.image(s)
		return nil
	}
	outline := s.outline()
	if s.fill.role != none && len(outline) > 2 {
		c.fill([][]point{outline}, s.fill.light())
	}
	if s.stroke.role != none {
		if s.kind != path {
			outline = append(outline, outline[0])
		}
		parts := [][]point{outline}
		if s.dashed {
			parts = dashes(outline, 5, 4)
		}
		var polygons [][]point
		for _, part := range parts {
			polygons = append(polygons, strokeOf(part, s.width)...)
		}
		c.fill(polygons, s.stroke.light())
	}
	return nil
}

// outline returns the corners of a path, rectangle or circle.
func (s shape) outline() []point {
	a := s.points[0]
	switch s.kind {
	case rect:
		b := s.points[1]
		return []point{a, {b.x, a.y}, b, {a.x, b.y}}
	case circle:
		return disc(a, s.radius)
	}
	return append([]point{}, s.points...)
}

func disc(at point, radius float64) []point {
	const corners = 24
	list := make([]point, corners)
	for i := range list {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		list[i] = point{at.x + radius*cos, at.y + radius*sin}
	}
	return list
}

// strokeOf returns polygons that cover a line of a width: a rectangle for each segment and a disc for each joint.
func strokeOf(line []point, width float64) [][]point {
	var list [][]point
	for i, b := range line {
		if i == 0 {
			continue
		}
		a := line[i-1]
		length := math.Hypot(b.x-a.x, b.y-a.y)
		if length == 0 {
			continue
		}
		nx, ny := (b.y-a.y)/length*width/2, (a.x-b.x)/length*width/2
		list = append(list, []point{{a.x + nx, a.y + ny}, {a.x - nx, a.y - ny}, {b.x - nx, b.y - ny}, {b.x + nx, b.y + ny}})
		if width > 1 && i+1 < len(line) {
			list = append(list, disc(b, width/2))
		}
	}
	return list
}

// dashes divides a line into dashes of a length, with gaps between them.
func dashes(line []point, length, gap float64) [][]point {
	var list [][]point
	on, left := true, length
	part := []point{line[0]}
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		for {
			d := math.Hypot(b.x-a.x, b.y-a.y)
			if d <= left {
				left -= d
				part = append(part, b)
				break
			}
			a = point{a.x + (b.x-a.x)*left/d, a.y + (b.y-a.y)*left/d}
			if on {
				list = append(list, append(part, a))
			}
			part = []point{a}
			on = !on
			left = map[bool]float64{true: length, false: gap}[on]
		}
	}
	if on && len(part) > 1 {
		list = append(list, part)
	}
	return list
}

// fill paints the union of polygons. The rasterizer adds signed areas, so all get the same orientation.
func (c *canvas) fill(polygons [][]point, with color.NRGBA) {
	bounds := image.Rectangle{}
	for _, p := range polygons {
		for _, q := range p {
			bounds = bounds.Union(image.Rect(int(q.x*resolution)-1, int(q.y*resolution)-1, int(q.x*resolution)+2, int(q.y*resolution)+2))
		}
	}
	bounds = bounds.Intersect(c.picture.Bounds())
	if bounds.Empty() {
		return
	}
	r := vector.NewRasterizer(bounds.Dx(), bounds.Dy())
	for _, p := range polygons {
		if area(p) < 0 {
			p = reversed(p)
		}
		for i, q := range p {
			x, y := float32(q.x*resolution)-float32(bounds.Min.X), float32(q.y*resolution)-float32(bounds.Min.Y)
			if i == 0 {
				r.MoveTo(x, y)
			} else {
				r.LineTo(x, y)
			}
		}
		r.ClosePath()
	}
	r.Draw(c.picture, bounds, image.NewUniform(with), image.Point{})
}

// area is twice the signed area of a polygon.
func area(p []point) float64 {
	sum := 0.0
	for i, a := range p {
		b := p[(i+1)%len(p)]
		sum += a.x*b.y - b.x*a.y
	}
	return sum
}

func reversed(p []point) []point {
	list := make([]point, len(p))
	for i, q := range p {
		list[len(p)-1-i] = q
	}
	return list
}

func (c *canvas) image(s shape) {
	to := image.Rect(int(s.points[0].x*resolution), int(s.points[0].y*resolution), int(s.points[1].x*resolution), int(s.points[1].y*resolution))
	xdraw.NearestNeighbor.Scale(c.picture, to, s.image, s.image.Bounds(), draw.Over, nil)
}

// face returns the font of a label.
func (c *canvas) face(l label) (font.Face, error) {
	key := label{size: l.size, bold: l.bold}
	if f := c.faces[key]; f != nil {
		return f, nil
	}
	f, err := opentype.NewFace(fonts()[boolIndex(l.bold)], &opentype.FaceOptions{Size: l.size * resolution, DPI: 72})
	if err == nil {
		c.faces[key] = f
	}
	return f, err
}

func (c *canvas) text(s shape) error {
	face, err := c.face(s.text)
	if err != nil {
		return err
	}
	width := font.MeasureString(face, s.text.text).Ceil()
	metrics := face.Metrics()
	ascent, height := metrics.Ascent.Ceil(), metrics.Ascent.Ceil()+metrics.Descent.Ceil()
	mask := image.NewAlpha(image.Rect(0, 0, width+1, height))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: face, Dot: fixed.P(0, ascent)}
	d.DrawString(s.text.text)
	shift := [...]int{start: 0, middle: width / 2, end: width}[s.text.anchor]
	at := image.Pt(int(s.points[0].x*resolution)-shift, int(s.points[0].y*resolution)-ascent)
	if s.text.upward {
		mask = upward(mask)
		at = image.Pt(int(s.points[0].x*resolution)-ascent, int(s.points[0].y*resolution)-width+shift)
	}
	to := mask.Bounds().Add(at)
	if s.text.outline {
		c.halo(mask, to)
	}
	draw.DrawMask(c.picture, to, image.NewUniform(s.fill.light()), image.Point{}, mask, image.Point{}, draw.Over)
	return nil
}

// halo draws a text in the color of the background at the positions around its own.
func (c *canvas) halo(mask *image.Alpha, to image.Rectangle) {
	const width = 2
	for dx := -width; dx <= width; dx++ {
		for dy := -width; dy <= width; dy++ {
			draw.DrawMask(c.picture, to.Add(image.Pt(dx, dy)), image.NewUniform(solid(surface).light()), image.Point{}, mask, image.Point{}, draw.Over)
		}
	}
}

// upward turns a mask by 90 degrees counterclockwise.
func upward(m *image.Alpha) *image.Alpha {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	turned := image.NewAlpha(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			turned.SetAlpha(y, w-1-x, m.AlphaAt(x, y))
		}
	}
	return turned
}
