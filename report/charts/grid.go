package charts

import (
	"slices"
	"strings"
)

// Grid is several charts in one picture, in rows.
type Grid struct {
	Title   string
	Columns int // 0: 2
	Charts  []Chart
}

func (c Grid) draw() (*scene, error) {
	columns := c.Columns
	if columns == 0 {
		columns = 2
	}
	s := &scene{title: c.Title}
	top := 0.0
	if c.Title != "" {
		top = s.heading(c.Title, 12) + 6
	}
	var descriptions []string
	for row := range slices.Chunk(c.Charts, columns) {
		left, height := 0.0, 0.0
		for _, chart := range row {
			part, err := chart.draw()
			if err != nil {
				return nil, err
			}
			descriptions = append(descriptions, part.title+": "+part.description)
			for _, shape := range part.shapes {
				s.add(shape.moved(left, top))
			}
			left, height = left+part.width, max(height, part.height)
		}
		s.width = max(s.width, left)
		top += height
	}
	s.height, s.description = top, strings.Join(descriptions, " ")
	return s, nil
}

// moved returns the shape at another place.
func (s shape) moved(dx, dy float64) shape {
	points := make([]point, len(s.points))
	for i, p := range s.points {
		points[i] = point{p.x + dx, p.y + dy}
	}
	s.points = points
	return s
}
