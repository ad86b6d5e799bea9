package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
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

// RooflinePoint is one computation.
type RooflinePoint struct {
	Kind      string  // determines the color
	Label     string  // beside the point; "": none
	Backward  bool    // drawn as a ring instead of a disc
	Intensity float64 // arithmetic intensity in FLOP/byte
	GFLOPS    float64 // measured
}

// Size of the image in points of 1/72 inch, and its resolution.
const (
	rooflineWidth, rooflineHeight = 760, 500
	rooflineDPI                   = 120
)

var rooflineColors = []color.Color{color.RGBA{R: 200, G: 40, B: 40, A: 255}, color.RGBA{R: 30, G: 100, B: 190, A: 255},
	color.RGBA{R: 30, G: 140, B: 60, A: 255}, color.RGBA{R: 130, G: 60, B: 160, A: 255}}

// WriteRoofline draws the chart as PNG. Points that are not finite and positive are an error.
func WriteRoofline(w io.Writer, r Roofline) error {
	p, err := r.plot()
	if err != nil {
		return fmt.Errorf("report: roofline: %w", err)
	}
	canvas := vgimg.NewWith(vgimg.UseWH(rooflineWidth, rooflineHeight), vgimg.UseDPI(rooflineDPI))
	const margin = 8
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(w); err != nil {
		return fmt.Errorf("report: roofline: %w", err)
	}
	return nil
}

// bounds returns the ranges of both axes: powers of two around the intensities, and a margin around
// the speeds and roofs.
func (r Roofline) bounds() (low, high plotter.XY, err error) {
	low, high = plotter.XY{X: math.Inf(1), Y: math.Inf(1)}, plotter.XY{}
	for _, p := range r.Points {
		if !(p.Intensity > 0 && p.GFLOPS > 0) || math.IsInf(p.Intensity, 0) || math.IsInf(p.GFLOPS, 0) {
			return low, high, fmt.Errorf("%s %s: %g GFLOP/s at %g FLOP/byte; both must be finite and positive", p.Kind, p.Label, p.GFLOPS, p.Intensity)
		}
		low = plotter.XY{X: min(low.X, p.Intensity), Y: min(low.Y, p.GFLOPS)}
		high.X, high.Y = max(high.X, p.Intensity), max(high.Y, p.GFLOPS)
	}
	if len(r.Points) == 0 {
		return low, high, fmt.Errorf("no points")
	}
	if len(r.Roofs) > 0 && !(r.Memory > 0) {
		return low, high, fmt.Errorf("arithmetic roofs without that of the memory")
	}
	for _, roof := range r.Roofs {
		high.Y = max(high.Y, roof.GFLOPS)
	}
	low.X, high.X = math.Exp2(math.Floor(math.Log2(low.X))), math.Exp2(math.Ceil(math.Log2(high.X)+0.5))
	low.Y, high.Y = low.Y/1.6, high.Y*1.7
	return low, high, nil
}

func (r Roofline) plot() (*plot.Plot, error) {
	low, high, err := r.bounds()
	if err != nil {
		return nil, err
	}
	p := plot.New()
	p.Title.Text = r.Title
	p.X.Label.Text, p.Y.Label.Text = "arithmetic intensity, FLOP/byte", "speed, GFLOP/s"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker = factors{0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}
	p.Y.Tick.Marker = factors{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low.X, high.X, low.Y, high.Y
	p.Title.TextStyle.Font.Size, p.Title.Padding = font.Length(13), 6
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{Y: 225}, color.Gray{Y: 225}
	p.Add(grid)
	if len(r.Roofs) > 0 {
		if err := r.addRoofs(p, low, high); err != nil {
			return nil, err
		}
	}
	return p, r.addPoints(p)
}

// factors are tick marks at fixed values.
type factors []float64

func (f factors) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for _, v := range f {
		if v >= low && v <= high {
			ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)})
		}
	}
	return ticks
}

// roofLines returns the memory roof up to the highest peak, then the horizontal roofs from their
// ridge points.
func (r Roofline) roofLines(low, high plotter.XY) []plotter.XYs {
	top := r.Roofs[0].GFLOPS
	from := max(low.X, low.Y/r.Memory)
	lines := []plotter.XYs{{{X: from, Y: from * r.Memory}, {X: top / r.Memory, Y: top}}}
	for _, roof := range r.Roofs {
		lines = append(lines, plotter.XYs{{X: max(low.X, roof.GFLOPS/r.Memory), Y: roof.GFLOPS}, {X: high.X, Y: roof.GFLOPS}})
	}
	return lines
}

func (r Roofline) addRoofs(p *plot.Plot, low, high plotter.XY) error {
	lines := r.roofLines(low, high)
	for _, xys := range lines {
		line, err := plotter.NewLine(xys)
		if err != nil {
			return err
		}
		line.Width, line.Color = 1.5, color.Gray{Y: 60}
		p.Add(line)
	}
	names := []string{fmt.Sprintf("memory: %.0f GB/s", r.Memory)}
	at := plotter.XYs{{X: lines[0][0].X * 1.05, Y: min(high.Y/1.1, lines[0][0].Y*2.8)}}
	for i, roof := range r.Roofs {
		names = append(names, fmt.Sprintf("%s: %.0f GFLOP/s", roof.Name, roof.GFLOPS))
		at = append(at, plotter.XY{X: high.X / 1.02, Y: lines[i+1][0].Y * 1.06})
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: names})
	if err != nil {
		return err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font.Size = 10
		if i > 0 {
			labels.TextStyle[i].XAlign = draw.XRight
		}
	}
	p.Add(labels)
	return nil
}

// addPoints draws the points, one color per kind, and their labels.
func (r Roofline) addPoints(p *plot.Plot) error {
	var kinds []string
	colors := map[string]color.Color{}
	for _, q := range r.Points {
		if _, ok := colors[q.Kind]; !ok {
			colors[q.Kind] = rooflineColors[len(kinds)%len(rooflineColors)]
			kinds = append(kinds, q.Kind)
		}
	}
	style := func(kind string, backward bool) draw.GlyphStyle {
		g := draw.GlyphStyle{Color: colors[kind], Radius: 3.5, Shape: draw.CircleGlyph{}}
		if backward {
			g.Shape = draw.RingGlyph{}
		}
		return g
	}
	for _, kind := range kinds {
		for _, backward := range []bool{false, true} {
			var xys plotter.XYs
			for _, q := range r.Points {
				if q.Kind == kind && q.Backward == backward {
					xys = append(xys, plotter.XY{X: q.Intensity, Y: q.GFLOPS})
				}
			}
			if xys == nil {
				continue
			}
			points, err := plotter.NewScatter(xys)
			if err != nil {
				return err
			}
			points.GlyphStyle = style(kind, backward)
			p.Add(points)
			name := kind + ", forward"
			if backward {
				name = kind + ", backward"
			}
			p.Legend.Add(name, points)
		}
	}
	p.Legend.Top, p.Legend.YOffs, p.Legend.TextStyle.Font.Size = false, vg.Points(6), 10
	p.Legend.XOffs, p.Legend.Padding = -6, 2
	p.Add(rooflineLabels{r.Points, colors})
	return nil
}
