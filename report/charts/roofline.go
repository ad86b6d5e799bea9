package charts

import (
	"fmt"
	"math"
)

// Roofline is a roofline chart after Williams, Waterman and Patterson, "Roofline"
// (https://doi.org/10.1145/1498765.1498785).
type Roofline struct {
	Title  string
	Memory float64 // bandwidth in GB/s: the sloped roof
	Roofs  []Roof  // horizontal roofs, the highest first; none: only points
	Points []RooflinePoint
}

// Roof is a peak arithmetic throughput.
type Roof struct {
	Name   string
	GFLOPS float64
}

// RooflinePoint is one computation. Its numbers are finite and positive.
type RooflinePoint struct {
	Kind      string  // determines the color
	Label     string  // beside the point; "": none
	Backward  bool    // drawn as a ring instead of a disc
	Intensity float64 // arithmetic intensity in FLOP/byte
	GFLOPS    float64 // measured
}

func (r Roofline) draw() (*scene, error) {
	xs, ys, err := r.bounds()
	if err != nil {
		return nil, wrap(r.Title, err)
	}
	const width, height = 980, 620
	s := &scene{width: width, height: height, title: r.Title, description: r.describe()}
	top := s.heading(r.Title, 12)
	top = s.legend(r.entries(), 12, top, width-24)
	f := newFrame(width, height, top+6, Axis{Label: "arithmetic intensity, FLOP/byte"}, Axis{Label: "speed, GFLOP/s"}, nil, nil)
	f.x, f.xTicks = factors(xs, f.left+24, f.right, []float64{0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024})
	f.left += 24
	f.y, f.yTicks = factors(ys, f.bottom, f.top, []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000})
	f.draw(s)
	if len(r.Roofs) > 0 {
		r.drawRoofs(s, f, xs, ys)
	}
	r.drawPoints(s, f)
	return s, nil
}

// bounds returns the ranges of both axes: powers of two around the intensities, and a margin around the speeds and roofs.
func (r Roofline) bounds() (xs, ys span, err error) {
	xs, ys = emptySpan(), emptySpan()
	for _, p := range r.Points {
		if !(p.Intensity > 0 && p.GFLOPS > 0) || math.IsInf(p.Intensity, 0) || math.IsInf(p.GFLOPS, 0) {
			return xs, ys, fmt.Errorf("%s %s: %g GFLOP/s at %g FLOP/byte; both must be finite and positive", p.Kind, p.Label, p.GFLOPS, p.Intensity)
		}
		xs.add(p.Intensity)
		ys.add(p.GFLOPS)
	}
	if len(r.Points) == 0 {
		return xs, ys, fmt.Errorf("no points")
	}
	if len(r.Roofs) > 0 && !(r.Memory > 0) {
		return xs, ys, fmt.Errorf("arithmetic roofs without that of the memory")
	}
	for _, roof := range r.Roofs {
		ys.high = max(ys.high, roof.GFLOPS)
	}
	xs = span{math.Exp2(math.Floor(math.Log2(xs.low))), math.Exp2(math.Ceil(math.Log2(xs.high) + 0.5))}
	ys = span{ys.low / 1.6, ys.high * 1.7}
	return xs, ys, nil
}

// factors returns a logarithmic scale with ticks at fixed values.
func factors(r span, from, to float64, values []float64) (scale, []tick) {
	s := scale{log: true, low: math.Log10(r.low), high: math.Log10(r.high), from: from, to: to}
	var ticks []tick
	for _, v := range values {
		if v >= r.low && v <= r.high {
			ticks = append(ticks, tick{v, number(v)})
		}
	}
	return s, ticks
}

// line is a straight line in the units of the axes.
type line struct{ x1, y1, x2, y2 float64 }

// roofLines returns the memory roof up to the highest peak, then the horizontal roofs from their ridge points.
func (r Roofline) roofLines(xs, ys span) []line {
	top := r.Roofs[0].GFLOPS
	from := max(xs.low, ys.low/r.Memory)
	lines := []line{{from, from * r.Memory, top / r.Memory, top}}
	for _, roof := range r.Roofs {
		lines = append(lines, line{max(xs.low, roof.GFLOPS/r.Memory), roof.GFLOPS, xs.high, roof.GFLOPS})
	}
	return lines
}

func (r Roofline) drawRoofs(s *scene, f frame, xs, ys span) {
	for i, l := range r.roofLines(xs, ys) {
		a, _ := f.at(l.x1, l.y1)
		b, _ := f.at(l.x2, l.y2)
		b = point{min(b.x, f.right), b.y}
		s.line(solid(ink), 1.5, a, b)
		if i == 0 {
			s.write(solid(ink), point{f.left + 8, f.top + 14}, label{text: fmt.Sprintf("memory: %.0f GB/s (sloped line)", r.Memory), outline: true})
			continue
		}
		roof := r.Roofs[i-1]
		s.write(solid(ink), point{f.right - 4, b.y - 6}, label{text: fmt.Sprintf("%s: %.0f GFLOP/s", roof.Name, roof.GFLOPS), anchor: end, outline: true})
	}
}

// kinds lists the kinds of points in their order, with the number of each.
func (r Roofline) kinds() (names []string, number map[string]int) {
	number = map[string]int{}
	for _, p := range r.Points {
		if _, ok := number[p.Kind]; !ok {
			number[p.Kind] = len(names)
			names = append(names, p.Kind)
		}
	}
	return names, number
}

func (r Roofline) entries() []legendEntry {
	var list []legendEntry
	names, _ := r.kinds()
	for i, name := range names {
		color, _ := seriesPaint(i)
		for _, backward := range []bool{false, true} {
			for _, p := range r.Points {
				if p.Kind == name && p.Backward == backward {
					list = append(list, legendEntry{name: name + map[bool]string{false: ", forward", true: ", backward"}[backward], color: color, dot: !backward, ring: backward})
					break
				}
			}
		}
	}
	return list
}

func (r Roofline) drawPoints(s *scene, f frame) {
	_, number := r.kinds()
	var taken []box
	var at []point
	for _, p := range r.Points {
		q, _ := f.at(p.Intensity, p.GFLOPS)
		at = append(at, q)
		taken = append(taken, box{point{q.x - 5, q.y - 5}, point{q.x + 5, q.y + 5}})
	}
	inside := box{point{f.left, f.top}, point{f.right, f.bottom}}
	for i, p := range r.Points {
		color, _ := seriesPaint(number[p.Kind])
		dot := shape{kind: circle, points: []point{at[i]}, radius: 4, fill: color, tip: fmt.Sprintf("%s %s: %.3g GFLOP/s at %.3g FLOP/byte", p.Kind, p.Label, p.GFLOPS, p.Intensity)}
		if p.Backward {
			dot.fill, dot.stroke, dot.width = paint{}, color, 1.5
		}
		s.add(dot)
		if p.Label == "" {
			continue
		}
		b := placeLabel(at[i], textWidth(p.Label, smallSize, false), smallSize, inside, taken)
		taken = append(taken, b)
		s.line(solid(muted), 0.5, at[i], point{min(max(at[i].x, b.from.x), b.to.x), min(max(at[i].y, b.from.y), b.to.y)})
		s.write(color, point{b.from.x, b.to.y - 2}, label{text: p.Label, size: smallSize, outline: true})
	}
}

func (r Roofline) describe() string {
	return fmt.Sprintf("Roofline chart of %d computations: speed in GFLOP/s by arithmetic intensity in FLOP/byte.", len(r.Points))
}
