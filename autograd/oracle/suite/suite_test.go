package suite_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
	"depthwise.dev/autograd/oracle"
	"depthwise.dev/autograd/oracle/suite"
)

func TestMain(m *testing.M) { autogradtest.MainOnOneThread(m) }

// TestCases compares every engine on every operation and layer. Inputs of other magnitudes are for
// float64 engines only.
func TestCases(t *testing.T) {
	checkLeaks(t)
	for _, scale := range []float64{1, 0.01, 30} {
		cases := suite.Operations(scale)
		if scale == 1 {
			cases = append(cases, suite.Layers()...)
		}
		for _, c := range cases {
			t.Run(fmt.Sprintf("%v/%s", scale, c.Name), func(t *testing.T) {
				want, err := suite.Reference.Case(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range suite.Engines {
					if scale == 1 || e.Float64 {
						passed(t, suite.CompareCase(t.Context(), e, c, want))
					}
				}
			})
		}
	}
}

// passed fails the test if the cell failed.
func passed(t *testing.T, c suite.Cell) {
	t.Helper()
	if c.Failed {
		t.Errorf("%s: %s differs by %.3g, tolerance %.3g %s", c.Engine, c.Value, c.Relative, c.Tolerance, c.Error)
	}
}

// TestCasesAreInGorgonia: every case that is not random is written in gorgonia.
func TestCasesAreInGorgonia(t *testing.T) {
	for _, c := range append(suite.Operations(1), suite.Layers()...) {
		if (c.Gorgonia == nil) != (c.Name == "dropout") {
			t.Errorf("%s: in gorgonia: %v", c.Name, c.Gorgonia != nil)
		}
	}
}

// TestChangedInputIsError: a case must not change an input.
func TestChangedInputIsError(t *testing.T) {
	checkLeaks(t)
	x := suite.Input{Name: "x", Array: suite.Draw("x", -1, 1, 4)}
	c := suite.Case{Name: "overwrites", Inputs: []suite.Input{x},
		Torch: func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			y := s.Scale(in[0], 2)
			s.Copy(s.Detach(in[0]), s.Zeros(autograd.Float64, autograd.CPU, 4))
			return y
		}}
	_, err := suite.Reference.Case(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "overwrites") || !strings.Contains(err.Error(), "changes its input x") {
		t.Errorf("got %v", err)
	}
}

// TestEnginesReturnErrors: wrong cases and an ended context are errors, not panics.
func TestEnginesReturnErrors(t *testing.T) {
	checkLeaks(t)
	input := []suite.Input{{Name: "x", Array: suite.Draw("x", -1, 1, 2, 3)}}
	torch := func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.Matmul(in[0], in[0]) }
	for _, tc := range []struct {
		name  string
		build func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node
		want  string
	}{
		{"a panic", func(*oracle.Graph, []*oracle.Node) []*oracle.Node { var list []*oracle.Node; return list[1:] }, "panicked"},
		{"no node", func(*oracle.Graph, []*oracle.Node) []*oracle.Node { return nil }, "returns 0 nodes"},
		{"shapes that do not fit", func(g *oracle.Graph, in []*oracle.Node) []*oracle.Node {
			return []*oracle.Node{g.Matmul(in[0], in[0])}
		}, "matmul"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := suite.Case{Name: "wrong", Inputs: input, Torch: torch, Gorgonia: tc.build}
			_, err := suite.Gorgonia{}.Case(t.Context(), c)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	ended, end := context.WithCancel(t.Context())
	end()
	wrong := suite.Case{Name: "wrong", Inputs: input, Torch: torch}
	for _, e := range append(suite.Engines, suite.Reference) {
		if e.Case == nil {
			continue // computes whole networks only
		}
		if cell := suite.CompareCase(t.Context(), e, wrong, nil); !cell.Failed && e.Name != "gorgonia" || cell.Failed && cell.Error == "" {
			t.Errorf("%s: shapes that do not fit: %+v", e.Name, cell)
		}
		if cell := suite.CompareCase(ended, e, suite.Operations(1)[0], nil); cell.Error == "" {
			t.Errorf("%s ignores the ended context: %+v", e.Name, cell)
		}
	}
}

// TestCompare checks both measures on values worked out by hand.
func TestCompare(t *testing.T) {
	value := func(kind suite.Kind, name string, data ...float64) suite.Value {
		return suite.Value{Kind: kind, Name: name, Array: oracle.Array{Shape: []int64{int64(len(data))}, Data: data}}
	}
	scaled := value(suite.Gradient, "bias", 0, 1e-9)
	scaled.ScaleFrom = "weight"
	rounding := value(suite.Gradient, "bias", 0, 3e-9)
	rounding.ScaleFrom = scaled.ScaleFrom
	want := suite.Result{value(suite.Output, "", 3, 4), value(suite.Gradient, "weight", 0, 2), scaled}
	for _, tc := range []struct {
		name     string
		got      suite.Result
		relative [3]float64
		angle    [2]float64
		err      string
	}{
		{name: "equal", got: want},
		{name: "a difference", got: suite.Result{value(suite.Output, "", 3, 3.5), value(suite.Gradient, "weight", 0, 2), rounding},
			relative: [3]float64{0.1, 0, 1e-9}, angle: [2]float64{1 - 23/(5*math.Sqrt(9+12.25)), 0}},
		{name: "opposite", got: suite.Result{value(suite.Output, "", 3, 4), value(suite.Gradient, "weight", 0, -2), scaled},
			relative: [3]float64{0, 2, 0}, angle: [2]float64{0, 2}},
		{name: "NaN", got: suite.Result{value(suite.Output, "", math.NaN(), 4), value(suite.Gradient, "weight", 0, 2), scaled},
			relative: [3]float64{math.MaxFloat64, 0, 0}, angle: [2]float64{math.MaxFloat64, 0}},
		{name: "one missing", got: want[:2], err: "2 values, the reference has 3"},
		{name: "another name", got: suite.Result{want[0], value(suite.Gradient, "w", 0, 2), scaled}, err: "no gradient of weight"},
		{name: "another shape", got: suite.Result{value(suite.Output, "", 3), want[1], want[2]}, err: "shape [1], the reference [2]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			list, err := suite.Compare(want, tc.got)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			angles, err2 := suite.CompareAngles(want, tc.got)
			if err != nil || err2 != nil || len(list) != 3 || len(angles) != 2 {
				t.Fatalf("%v %v: %v %v", list, angles, err, err2)
			}
			for i, d := range list {
				if !near(d.Relative, tc.relative[i]) {
					t.Errorf("%s: %v, want %v", d.Value, d.Relative, tc.relative[i])
				}
			}
			for i, d := range angles {
				if !near(d.Relative, tc.angle[i]) {
					t.Errorf("angle of %s: %v, want %v", d.Value, d.Relative, tc.angle[i])
				}
			}
		})
	}
}

func near(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-12+1e-6*math.Abs(b) && b < 1e300 }

// TestCompareSlopes: slopes along directions agree with their own gradient, and with no other.
func TestCompareSlopes(t *testing.T) {
	gradient := suite.Value{Kind: suite.Gradient, Name: "x", Array: suite.Draw("gradient", -1, 1, 50)}
	slopes := suite.Value{Kind: suite.Gradient, Name: "x", Slopes: true}
	for _, direction := range suite.Directions("x", 50, 2) {
		sum := 0.0
		for i, d := range direction {
			sum += d * gradient.Data[i]
		}
		slopes.Data = append(slopes.Data, sum)
	}
	list, err := suite.Compare(suite.Result{gradient}, suite.Result{slopes})
	if err != nil || list[0].Relative > 1e-15 {
		t.Errorf("%v, %v", list, err)
	}
	gradient.Data[7] *= -1
	if list, err = suite.Compare(suite.Result{gradient}, suite.Result{slopes}); err != nil || list[0].Relative < 1e-3 {
		t.Errorf("one sign flipped: %v, %v", list, err)
	}
}

// checkLeaks fails the test if native tensors outlive it.
func checkLeaks(t *testing.T) {
	before := autograd.LiveTensors()
	t.Cleanup(func() {
		if leaked := autograd.LiveTensors() - before; leaked != 0 {
			t.Errorf("%d native tensors leaked", leaked)
		}
	})
}
