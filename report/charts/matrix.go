package charts

import (
	"fmt"
	"image"
	"image/color"
	"math"
)

// Matrix is a confusion matrix as a heat map. The color of a cell is its fraction of the row: the diagonal of a class that is
// always recognized is dark, whatever its number of images.
type Matrix struct {
	Title          string
	RowLabel       string // such as "class of the image"
	ColumnLabel    string
	Names          []string // of the classes; at least the number of rows
	Counts         [][]int  // square
	Width          float64  // of the chart in pixels. 0: 640
	cell           float64  // size of a cell
	left, top, end float64
}

// Limits of what is drawn of a matrix.
const (
	maxNamed   = 40  // classes with names; above, cells are pixels of a picture
	maxCounted = 30  // classes whose cells have numbers
	maxCells   = 250 // of a row of the picture; above, a cell is the largest of several
	maxNames   = 130 // width of names in pixels
)

func (c Matrix) draw() (*scene, error) {
	n := len(c.Counts)
	if len(c.Names) < n {
		return nil, wrap(c.Title, fmt.Errorf("%d names of %d classes", len(c.Names), n))
	}
	for _, row := range c.Counts {
		if len(row) != n {
			return nil, wrap(c.Title, fmt.Errorf("a row of %d cells in a matrix of %d classes", len(row), n))
		}
	}
	if c.Width == 0 {
		c.Width = 640
	}
	s := &scene{width: c.Width, title: c.Title, description: c.describe()}
	top := s.heading(c.Title, 12)
	names := 34.0
	if n <= maxNamed {
		for _, name := range c.Names[:n] {
			names = max(names, min(textWidth(name, smallSize, false), maxNames))
		}
	}
	c.left, c.top = 34+names, top+4
	size := c.Width - c.left - 20
	c.cell = size / float64(max(n, 1))
	if n <= maxNamed {
		c.cell = min(c.cell, 44)
		size = c.cell * float64(n)
	}
	c.end = c.top + size
	s.height = c.end + names + 26
	if n == 0 {
		s.height = 120
		s.noData(0, 0, s.width, s.height, "no predictions")
		return s, nil
	}
	s.add(shape{kind: rect, points: []point{{c.left, c.top}, {c.left + size, c.end}}, stroke: solid(grid), width: 1})
	if n <= maxNamed {
		c.cells(s)
		c.names(s)
	} else {
		c.picture(s)
		c.indices(s)
	}
	s.write(solid(muted), point{14, c.top + size/2}, label{text: c.RowLabel, size: smallSize, anchor: middle, upward: true})
	s.write(solid(muted), point{c.left + size/2, s.height - 8}, label{text: c.ColumnLabel, size: smallSize, anchor: middle})
	return s, nil
}

// cells draws each count that is not 0.
func (c Matrix) cells(s *scene) {
	for t, row := range c.Counts {
		all := sum(row)
		for p, count := range row {
			if count == 0 {
				continue
			}
			x, y := c.left+float64(p)*c.cell, c.top+float64(t)*c.cell
			level := float64(count) / float64(all)
			role := accent
			if t != p {
				role = firstSeries + 1
			}
			s.box(paint{role, shade(level)}, x+0.5, y+0.5, c.cell-1, c.cell-1,
				fmt.Sprintf("%s predicted as %s: %d of %d", c.Names[t], c.Names[p], count, all))
			if len(c.Counts) <= maxCounted {
				on := solid(ink)
				if shade(level) > 0.6 {
					on = solid(surface)
				}
				s.write(on, point{x + c.cell/2, y + c.cell/2 + 4}, label{text: fmt.Sprint(count), size: min(smallSize, c.cell*0.5), anchor: middle})
			}
		}
	}
}

// shade is the opacity of a cell: the root shows rare mistakes too.
func shade(level float64) float64 {
	if level == 0 {
		return 0
	}
	return 0.08 + 0.92*math.Sqrt(level)
}

func (c Matrix) names(s *scene) {
	for i, name := range c.Names[:len(c.Counts)] {
		at := (float64(i) + 0.5) * c.cell
		l := label{text: fit(name, smallSize, maxNames), size: min(smallSize, c.cell*0.9), anchor: end}
		s.write(solid(ink), point{c.left - 6, c.top + at + 4}, l)
		l.upward = true
		s.write(solid(ink), point{c.left + at + 4, c.end + 6}, l)
	}
}

// indices labels the axes of a picture with numbers of classes.
func (c Matrix) indices(s *scene) {
	n := len(c.Counts)
	size := c.cell * float64(n)
	x, ticks := Axis{Whole: true}.scale([]float64{0, float64(n)}, c.left, c.left+size, 8)
	for _, t := range ticks {
		at, _ := x.position(t.value)
		s.write(solid(muted), point{at, c.end + 16}, label{text: t.text, size: smallSize, anchor: middle})
		s.write(solid(muted), point{c.left - 6, c.top + at - c.left + 4}, label{text: t.text, size: smallSize, anchor: end})
	}
}

// picture draws the matrix with a pixel for a cell, or for the largest of several.
func (c Matrix) picture(s *scene) {
	n := len(c.Counts)
	group := (n + maxCells - 1) / maxCells
	side := (n + group - 1) / group
	levels := make([]float64, side*side)
	diagonal := make([]bool, side*side)
	for t, row := range c.Counts {
		all := sum(row)
		for p, count := range row {
			if count == 0 {
				continue
			}
			at, level := t/group*side+p/group, float64(count)/float64(all)
			if level > levels[at] {
				levels[at], diagonal[at] = level, t == p
			}
		}
	}
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i, level := range levels {
		if level == 0 {
			continue
		}
		p := paint{firstSeries + 1, shade(level)}
		if diagonal[i] {
			p.role = accent
		}
		v := p.light()
		m.SetNRGBA(i%side, i/side, color.NRGBA(v))
	}
	size := c.cell * float64(n) * float64(side*group) / float64(n) // the last cells may be of fewer classes
	s.add(shape{kind: picture, points: []point{{c.left, c.top}, {c.left + size, c.top + size}}, image: m})
}

func sum(row []int) int {
	n := 0
	for _, v := range row {
		n += v
	}
	return n
}

// describe says for screen readers how many images are on the diagonal.
func (c Matrix) describe() string {
	right, all := 0, 0
	for t, row := range c.Counts {
		if t < len(row) {
			right += row[t]
		}
		all += sum(row)
	}
	return fmt.Sprintf("Confusion matrix of %d classes: %d of %d images are on the diagonal. The table of mistakes has the largest of the other cells.", len(c.Counts), right, all)
}
