package charts

// frame is the area of a chart with two axes.
type frame struct {
	x, y          scale
	xTicks        []tick
	yTicks        []tick
	left, right   float64
	top, bottom   float64
	xLabel        string
	yLabel        string
	noVerticals   bool // no vertical grid lines
	height, width float64
}

// Margins of a frame in pixels.
const (
	marginRight  = 18
	marginBottom = 40 // ticks and label of the x axis
)

// newFrame lays axes out in a scene of a size, below top. xs and ys are the values to contain.
func newFrame(width, height, top float64, x, y Axis, xs, ys []float64) frame {
	f := frame{width: width, height: height, top: top, bottom: height - marginBottom, right: width - marginRight, xLabel: x.Label, yLabel: y.Label}
	if x.Label == "" {
		f.bottom += 16
	}
	f.y, f.yTicks = y.scale(ys, f.bottom, f.top, max(2, int((f.bottom-f.top)/40)))
	widest := 0.0
	for _, t := range f.yTicks {
		widest = max(widest, textWidth(t.text, smallSize, false))
	}
	f.left = 12 + widest
	if y.Label != "" {
		f.left += 18
	}
	f.x, f.xTicks = x.scale(xs, f.left, f.right, max(2, int((f.right-f.left)/64)))
	return f
}

// draw draws grid, ticks and labels.
func (f frame) draw(s *scene) {
	for _, t := range f.yTicks {
		y, ok := f.y.position(t.value)
		if !ok || y < f.top-0.5 || y > f.bottom+0.5 {
			continue
		}
		s.line(solid(grid), 1, point{f.left, y}, point{f.right, y})
		s.write(solid(muted), point{f.left - 6, y + 4}, label{text: t.text, size: smallSize, anchor: end})
	}
	last := f.left - 100 // right end of the previous tick's text
	for _, t := range f.xTicks {
		x, ok := f.x.position(t.value)
		if !ok || x < f.left-0.5 || x > f.right+0.5 {
			continue
		}
		if !f.noVerticals {
			s.line(solid(grid), 1, point{x, f.top}, point{x, f.bottom})
		}
		half := textWidth(t.text, smallSize, false) / 2
		if x-half < last+6 {
			continue // would overlap
		}
		last = x + half
		s.write(solid(muted), point{x, f.bottom + 16}, label{text: t.text, size: smallSize, anchor: middle})
	}
	s.line(solid(muted), 1, point{f.left, f.bottom}, point{f.right, f.bottom})
	if f.xLabel != "" {
		s.write(solid(muted), point{(f.left + f.right) / 2, f.bottom + 33}, label{text: f.xLabel, size: smallSize, anchor: middle})
	}
	if f.yLabel != "" {
		s.write(solid(muted), point{14, (f.top + f.bottom) / 2}, label{text: f.yLabel, size: smallSize, anchor: middle, upward: true})
	}
}

// at returns the position of a pair of values, and false if it has none.
func (f frame) at(x, y float64) (point, bool) {
	a, okX := f.x.position(x)
	b, okY := f.y.position(y)
	return point{a, b}, okX && okY
}
