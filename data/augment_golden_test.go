package data

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"depthwise.dev/data/internal/random"
)

// augmentGolden is what testdata/make_augment.py wrote.
type augmentGolden struct {
	Operations       [][6]any
	RandAug, Trivial map[string][][3]any
	Drawn            map[string]map[string][2]float64 // shares of the draws, and of them positive less negative
	Letterboxed      [][3]any
	Erased           []struct {
		Width, Height   int
		Mean, Deviation [4]float64 // left, top, width, height
	}
	Jittered []struct {
		Jitter, Mean, Deviation [4]float64
	}
	Mixed []struct {
		Alpha           float64
		Side            int
		Quantiles       [9]float64 // of MixUp's share, at 0.1, 0.2, ...
		Mean, Deviation [5]float64 // left, top, right, bottom of CutMix's box, and what it leaves
	}
}

func readAugmentGolden(t *testing.T) augmentGolden {
	t.Helper()
	var g augmentGolden
	readJSON(t, "testdata/augment.json", &g)
	return g
}

// goldenPicture is make_augment.py's picture.
func goldenPicture(t *testing.T, kind string, width, height int) *canvas {
	t.Helper()
	c := new(canvas)
	c.Width, c.Height = width, height
	for y := range height {
		for x := range width {
			for channel := range 3 {
				v := ((x*(3+channel) + y*(5-channel) + x*y/(7+channel)) ^ (x >> 3)) & 255
				switch kind {
				case "wide":
				case "narrow":
					v = 60 + v/(3+channel)
				case "flat":
					v = 40 * channel
				case "two":
					if v = 200 + channel; x+y < 30 {
						v = 7
					}
				default:
					t.Fatalf("no picture %q", kind)
				}
				c.Pixels = append(c.Pixels, uint8(v))
			}
		}
	}
	return c
}

func digest(c *canvas) string { return fmt.Sprintf("%x", sha256.Sum256(c.Pixels))[:16] }

func TestOperationsEqualTorchvisions(t *testing.T) {
	apply := map[string]func(*canvas, float64){
		"brightness": (*canvas).brightness, "contrast": (*canvas).contrast, "saturation": (*canvas).saturation,
		"sharpness": (*canvas).sharpness, "hue": (*canvas).hue,
		"posterize":    func(c *canvas, m float64) { c.posterize(int(m)) },
		"solarize":     (*canvas).solarize,
		"autocontrast": func(c *canvas, _ float64) { c.autocontrast() },
		"equalize":     func(c *canvas, _ float64) { c.equalize() },
		"shearX":       (*canvas).shearX, "shearY": (*canvas).shearY,
		"translateX": func(c *canvas, m float64) { c.translate(int(m), 0) },
		"translateY": func(c *canvas, m float64) { c.translate(0, int(m)) },
		"rotate":     (*canvas).rotate,
	}
	seen := map[string]int{}
	for _, golden := range readAugmentGolden(t).Operations {
		name, kind := golden[0].(string), golden[1].(string)
		width, height, m := int(golden[2].(float64)), int(golden[3].(float64)), golden[4].(float64)
		c := goldenPicture(t, kind, width, height)
		seen[name]++
		if apply[name](c, m); digest(c) != golden[5].(string) {
			t.Errorf("%s(%v) of %q, %dx%d: not torchvision's pixels", name, m, kind, width, height)
		}
	}
	if len(seen) != len(apply) {
		t.Errorf("tested %v", seen)
	}
}

// TestPoliciesEqualTorchvisions: every operation with every magnitude that a policy can
// draw gives torchvision's pixels, and nothing else is drawn.
func TestPoliciesEqualTorchvisions(t *testing.T) {
	g := readAugmentGolden(t)
	for policy, sides := range map[Policy]map[string][][3]any{RandAugment: g.RandAug, TrivialAugment: g.Trivial} {
		for text, golden := range sides {
			side, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]map[float64]bool{}
			for _, row := range golden {
				name, m := row[0].(string), row[1].(float64)
				c := goldenPicture(t, "wide", side, side)
				i := slices.IndexFunc(operations, func(o operation) bool { return o.name == name })
				if operations[i].apply(c, m); digest(c) != row[2].(string) {
					t.Errorf("%s: %s of %v at %d: not torchvision's pixels", policy, name, m, side)
				}
				if want[name] == nil {
					want[name] = map[float64]bool{}
				}
				want[name][m+0] = true // -0 is 0
			}
			drawn := map[string]map[float64]bool{}
			note := func(op string, m float64) {
				if drawn[op] == nil {
					drawn[op] = map[float64]bool{}
				}
				drawn[op][m+0] = true
			}
			rng := random.New(1, random.Augment)
			for range 40000 {
				op, m := policy.draw(side, rng)
				if op.name == "Posterize" {
					m = math.RoundToEven(m)
				}
				note(op.name, m)
			}
			for name := range want {
				if !maps.Equal(drawn[name], want[name]) {
					t.Errorf("%s at %d: %s is drawn with\n%v\nwant\n%v", policy, side, name, drawn[name], want[name])
				}
			}
			if len(drawn) != len(want) {
				t.Errorf("%s draws from %d operations, want %d", policy, len(drawn), len(want))
			}
		}
	}
}

func TestPoliciesAreDrawnAsTorchvisions(t *testing.T) {
	const n = 20000
	for name, golden := range readAugmentGolden(t).Drawn {
		count, signs := map[string]float64{}, map[string]float64{}
		rng := random.New(2, random.Augment)
		policy, total := Policy(name), n
		if policy == RandAugment {
			total *= randAugmentOperations
		}
		for range total {
			op, m := policy.draw(24, rng)
			count[op.name]++
			if m != 0 {
				signs[op.name] += math.Copysign(1, m)
			}
		}
		for op, want := range golden {
			near(t, name+" "+op, count[op]/n, want[0], 0.019) // five deviations of both samples of RandAugment together
			near(t, name+" sign of "+op, signs[op]/n, want[1], 0.019)
		}
	}
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if math.Abs(got-want) > tol {
		t.Errorf("%s: %.4f, want %.4f within %.4f", what, got, want, tol)
	}
}

// sameMoments compares means and deviations of columns with those of a sample of the
// same size: five standard errors of both.
func sameMoments(t *testing.T, what string, rows [][]float64, mean, deviation []float64) {
	t.Helper()
	n := float64(len(rows))
	for i := range mean {
		var sum, squares float64
		for _, row := range rows {
			sum += row[i]
			squares += row[i] * row[i]
		}
		m := sum / n
		tol := 5 * deviation[i] * math.Sqrt(2/n)
		near(t, fmt.Sprintf("%s: mean of column %d", what, i), m, mean[i], tol+1e-5)
		near(t, fmt.Sprintf("%s: deviation of column %d", what, i), math.Sqrt(max(0, squares/n-m*m)), deviation[i], tol+1e-5)
	}
}

func TestLetterboxEqualsPillowsAndTorchvisions(t *testing.T) {
	golden := readAugmentGolden(t).Letterboxed
	if len(golden) < 15 {
		t.Errorf("%d cases", len(golden))
	}
	for _, c := range golden {
		name, side := c[0].(string), int(c[1].(float64))
		got, err := LoadImage(filepath.Join("testdata/geometry", name), Preprocess{Resolution: side, Fit: FitLetterbox})
		if err != nil {
			t.Fatal(err)
		}
		var im canvas
		if im.open(got, side); digest(&im) != c[2].(string) {
			t.Errorf("%s at %d: other pixels", name, side)
		}
	}
}
