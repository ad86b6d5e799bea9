package charts

import (
	"bytes"
	"image/png"
	"math"
	"testing"
)

func testRoofline() Roofline {
	return Roofline{Title: "a step", Memory: 50, Roofs: []Roof{{"bf16", 1000}, {"fp32", 500}}, Points: []RooflinePoint{
		{Kind: "depthwise", Label: "dw 2.0x", Intensity: 4, GFLOPS: 100},
		{Kind: "depthwise", Label: "dw 4.0x", Backward: true, Intensity: 4, GFLOPS: 50},
		{Kind: "pointwise", Intensity: 200, GFLOPS: 900}}}
}

// TestRoofline checks the size of the image and that it contains the color of each kind.
func TestRoofline(t *testing.T) {
	for name, change := range map[string]func(*Roofline){"with roofs": func(*Roofline) {}, "without": func(r *Roofline) { r.Roofs, r.Memory = nil, 0 }} {
		t.Run(name, func(t *testing.T) {
			r := testRoofline()
			change(&r)
			var b bytes.Buffer
			if err := WritePNG(&b, r); err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(&b)
			if err != nil {
				t.Fatal(err)
			}
			size := picture.Bounds().Size()
			if size.X != 2*980 || size.Y != 2*620 {
				t.Errorf("size %v", size)
			}
			for i := range 2 {
				color, _ := seriesPaint(i)
				if n := countColor(picture, color); n < 50 {
					t.Errorf("%d pixels in the color of kind %d", n, i)
				}
			}
		})
	}
}

// TestRoofLines checks that the horizontal roofs start where intensity times bandwidth equals their
// peak.
func TestRoofLines(t *testing.T) {
	r := testRoofline()
	xs, ys, err := r.bounds()
	if err != nil {
		t.Fatal(err)
	}
	lines := r.roofLines(xs, ys)
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	if l := lines[0]; l.x2 != 20 || l.y2 != 1000 || lines[1].x1 != 20 || lines[1].y1 != 1000 {
		t.Errorf("the ridge is at %v and %v", l, lines[1])
	}
	if l := lines[0]; l.y1 != 50*l.x1 || l.x1 < xs.low || l.y1 < ys.low {
		t.Errorf("the memory roof begins at %v", l)
	}
	if l := lines[2]; l.x1 != 10 || l.y1 != 500 || l.x2 != xs.high {
		t.Errorf("the lower roof is %v", l)
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
		if err := WritePNG(&bytes.Buffer{}, r); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPlaceLabel checks that many labels at one point neither overlap nor leave the image.
func TestPlaceLabel(t *testing.T) {
	inside := box{point{0, 0}, point{400, 300}}
	at := point{390, 150}
	taken := []box{{point{386, 146}, point{394, 154}}}
	for i := range 12 {
		b := placeLabel(at, 60, 8, inside, taken)
		if !isFree(b, taken) || b.from.x < 0 || b.to.x > 400 || b.from.y < 0 || b.to.y > 300 {
			t.Errorf("label %d is at %v", i, b)
		}
		taken = append(taken, b)
	}
}
