package report

import (
	"bytes"
	"image/png"
	"math"
	"testing"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

func testRoofline() Roofline {
	return Roofline{Title: "a step", Memory: 50, Roofs: []Roof{{"bf16", 1000}, {"fp32", 500}}, Points: []RooflinePoint{
		{Kind: "depthwise", Label: "dw 2.0x", Intensity: 4, GFLOPS: 100},
		{Kind: "depthwise", Label: "dw 4.0x", Backward: true, Intensity: 4, GFLOPS: 50},
		{Kind: "pointwise", Intensity: 200, GFLOPS: 900}}}
}

// TestRoofline checks the size of the image and that it contains the color of each kind.
func TestRoofline(t *testing.T) {
	for _, roofs := range []bool{true, false} {
		r := testRoofline()
		if !roofs {
			r.Roofs, r.Memory = nil, 0
		}
		checkRoofline(t, r)
	}
}

func checkRoofline(t *testing.T, r Roofline) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteRoofline(&b, r); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Size()
	if float64(size.X) != math.Round(rooflineWidth*rooflineDPI/72.) || float64(size.Y) != math.Round(rooflineHeight*rooflineDPI/72.) {
		t.Errorf("size %v", size)
	}
	for i, want := range rooflineColors[:2] {
		n := 0
		r, g, blue, _ := want.RGBA()
		for y := range size.Y {
			for x := range size.X {
				if a, b, c, _ := picture.At(x, y).RGBA(); a == r && b == g && c == blue {
					n++
				}
			}
		}
		if n < 50 {
			t.Errorf("%d pixels in the color of kind %d", n, i)
		}
	}
}

// TestRoofLines checks that the horizontal roofs start where intensity times bandwidth equals their
// peak.
func TestRoofLines(t *testing.T) {
	r := testRoofline()
	low, high, err := r.bounds()
	if err != nil {
		t.Fatal(err)
	}
	lines := r.roofLines(low, high)
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	if end := lines[0][1]; end != (plotter.XY{X: 20, Y: 1000}) || lines[1][0] != end {
		t.Errorf("the ridge is at %v and %v", end, lines[1][0])
	}
	if begin := lines[0][0]; begin.Y != 50*begin.X || begin.X < low.X || begin.Y < low.Y {
		t.Errorf("the memory roof begins at %v", begin)
	}
	if lines[2][0] != (plotter.XY{X: 10, Y: 500}) || lines[2][1].X != high.X {
		t.Errorf("the lower roof is %v", lines[2])
	}
}

func TestRooflineErrors(t *testing.T) {
	for name, change := range map[string]func(*Roofline){
		"no points":          func(r *Roofline) { r.Points = nil },
		"no memory":          func(r *Roofline) { r.Memory = 0 },
		"zero speed":         func(r *Roofline) { r.Points[0].GFLOPS = 0 },
		"no intensity":       func(r *Roofline) { r.Points[0].Intensity = math.NaN() },
		"infinite intensity": func(r *Roofline) { r.Points[0].Intensity = math.Inf(1) },
	} {
		r := testRoofline()
		change(&r)
		if err := WriteRoofline(&bytes.Buffer{}, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPlaceLabel checks that many labels at one point neither overlap nor leave the image.
func TestPlaceLabel(t *testing.T) {
	inside := vg.Rectangle{Max: vg.Point{X: 400, Y: 300}}
	at := vg.Point{X: 390, Y: 150}
	taken := []vg.Rectangle{around(at, 4)}
	for i := range 12 {
		box := placeLabel(at, 60, 8, inside, taken)
		if !isFree(box, taken) || box.Min.X < 0 || box.Max.X > 400 || box.Min.Y < 0 || box.Max.Y > 300 {
			t.Errorf("label %d is at %v", i, box)
		}
		taken = append(taken, box)
	}
}
