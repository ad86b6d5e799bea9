package autograd_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// operand shortens the tables.
type operand = autograd.UpdateOperand

// updateCases are the operations of update programs and their values for elements a, b, c.
var updateCases = []struct {
	name string
	op   func(p *autograd.UpdateProgram, out, a, b, c operand)
	want func(a, b, c float64) float64
}{
	{"scale", func(p *autograd.UpdateProgram, out, a, _, _ operand) { p.Scale(out, -0.3, a) },
		func(a, _, _ float64) float64 { return -0.3 * a }},
	{"add scaled", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.AddScaled(out, 0.7, a, b) },
		func(a, b, _ float64) float64 { return 0.7*a + b }},
	{"sum scaled", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.SumScaled(out, 0.7, a, -0.2, b) },
		func(a, b, _ float64) float64 { return 0.7*a - 0.2*b }},
	{"lerp near a", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.Lerp(out, a, b, 0.2) },
		func(a, b, _ float64) float64 { return a + 0.2*(b-a) }},
	{"lerp near b", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.Lerp(out, a, b, 0.9) },
		func(a, b, _ float64) float64 { return a + 0.9*(b-a) }},
	{"mul", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.Mul(out, a, b) },
		func(a, b, _ float64) float64 { return a * b }},
	{"add product", func(p *autograd.UpdateProgram, out, a, b, c operand) { p.AddProduct(out, 0.7, a, b, 0.4, c) },
		func(a, b, c float64) float64 { return 0.7*a*b + 0.4*c }},
	{"add rounded product", func(p *autograd.UpdateProgram, out, a, b, c operand) { p.AddRoundedProduct(out, 0.7, a, b, 0.4, c) },
		func(a, b, c float64) float64 { return 0.7*a*b + 0.4*c }},
	{"quotient", func(p *autograd.UpdateProgram, out, a, b, _ operand) { p.Quotient(out, 0.7, a, b) },
		func(a, b, _ float64) float64 { return 0.7 * a / b }},
	{"add quotient", func(p *autograd.UpdateProgram, out, a, b, c operand) { p.AddQuotient(out, 0.7, a, b, 0.4, c) },
		func(a, b, c float64) float64 { return 0.7*a/b + 0.4*c }},
	{"sqrt", func(p *autograd.UpdateProgram, out, a, _, _ operand) { p.Sqrt(out, a, 0.1) },
		func(a, _, _ float64) float64 { return math.Sqrt(a + 0.1) }},
	{"affine sqrt", func(p *autograd.UpdateProgram, out, a, _, _ operand) { p.AffineSqrt(out, 0.7, a, 0.1) },
		func(a, _, _ float64) float64 { return 0.7*math.Sqrt(a) + 0.1 }},
}

// TestUpdateCasesAreComplete: each operation of update programs has a case, which begins with its
// name.
func TestUpdateCasesAreComplete(t *testing.T) {
	operands := []string{"Parameter", "Gradient", "Array", "Temporary"}
	for method := range reflect.TypeFor[*autograd.UpdateProgram]().Methods() {
		found := slices.Contains(operands, method.Name)
		for _, c := range updateCases {
			found = found || strings.HasPrefix(strings.ReplaceAll(c.name, " ", ""), strings.ToLower(method.Name))
		}
		if !found {
			t.Errorf("updateCases has no case of UpdateProgram.%s", method.Name)
		}
	}
}

// TestUpdate runs each operation from arrays and a gradient, through a temporary, into the
// parameter.
func TestUpdate(t *testing.T) {
	parameters, gradients, others := listArrays(10), listArrays(20), listArrays(30)
	for _, c := range updateCases {
		t.Run(c.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				list, array := listOf(s, parameters, autograd.Float32), listOf(s, others, autograd.Float32)
				for i, x := range list {
					list[i] = s.RequireGrad(x)
					s.Backward(s.Sum(s.Mul(list[i], listOf(s, gradients, autograd.Float32)[i])))
				}
				var p autograd.UpdateProgram
				beside, temporary := p.Array(array), p.Temporary()
				c.op(&p, temporary, p.Parameter(), p.Gradient(), beside)
				p.AddScaled(p.Parameter(), 1, temporary, p.Gradient())
				u := autograd.Update{Groups: []autograd.UpdateGroup{{Parameters: list, Program: &p}}}
				u.Apply(s)
				for i := range list {
					want := make([]float64, len(parameters[i].data))
					for k := range want {
						g := gradients[i].data[k]
						want[k] = c.want(parameters[i].data[k], g, others[i].data[k]) + g
					}
					checkClose(t, "parameter", autograd.ToSlice[float64](s, list[i]), want, 3e-7) // up to five roundings
					checkClose(t, "array", autograd.ToSlice[float64](s, array[i]), others[i].data, 1e-7)
				}
				sum := 0.0
				for _, g := range gradients {
					for _, v := range g.data {
						sum += v * v
					}
				}
				checkClose(t, "norm", []float64{u.Norm(s)}, []float64{math.Sqrt(sum)}, 1e-7) // gradients are rounded to float32
			})
		})
	}
}

// A tensor that a backward pass needs is refused there after an update has written it, and an
// unwritten one is not.
func TestUpdateBumpsVersions(t *testing.T) {
	for _, written := range []bool{true, false} {
		err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
			w := s.RequireGrad(autograd.FromSlice(s, []float32{1, 2}, 2))
			array := autograd.FromSlice(s, []float32{3, 4}, 2)
			loss := s.Sum(s.Mul(w, array))
			var p autograd.UpdateProgram
			a, to := p.Array(one(array)), p.Temporary()
			if written {
				to = a
			}
			p.Scale(to, 2, a)
			autograd.Update{Groups: []autograd.UpdateGroup{{Parameters: one(w), Program: &p}}}.Apply(s)
			s.Backward(loss)
			return s.Err()
		})
		if refused := err != nil && strings.Contains(err.Error(), "modified by an inplace operation"); refused != written {
			t.Errorf("written %v: error %v", written, err)
		}
	}
}

func TestUpdateMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(s *autograd.Scope, g *autograd.UpdateGroup)
		want string
	}{
		{"no gradient", func(_ *autograd.Scope, g *autograd.UpdateGroup) {
			g.Program.Scale(g.Program.Parameter(), 1, g.Program.Gradient())
		}, "w has no gradient"},
		{"gradient written", func(_ *autograd.Scope, g *autograd.UpdateGroup) {
			g.Program.Scale(g.Program.Gradient(), 1, g.Program.Parameter())
		}, "group 0: operation 0 of the update program writes to the gradient"},
		{"shorter list", func(_ *autograd.Scope, g *autograd.UpdateGroup) { g.Program.Array(autograd.List{}) },
			"group 0 has lists of 1 and 0 tensors"},
		{"other shape", func(s *autograd.Scope, g *autograd.UpdateGroup) {
			g.Program.Array(one(s.Zeros(autograd.Float32, autograd.CPU, 3)))
		}, "an array of [3] Float on cpu beside a parameter of [2]"},
		{"other type", func(s *autograd.Scope, g *autograd.UpdateGroup) {
			g.Program.Array(one(s.Zeros(autograd.Float64, autograd.CPU, 2)))
		}, "want float32 on the CPU"},
		{"too many arrays", func(_ *autograd.Scope, g *autograd.UpdateGroup) {
			for range 7 {
				g.Program.Array(g.Parameters)
			}
		}, "more than 6 arrays"},
		{"too many temporaries", func(_ *autograd.Scope, g *autograd.UpdateGroup) {
			for range 9 {
				g.Program.Temporary()
			}
		}, "more than 8 temporaries"},
		{"too many operations", func(_ *autograd.Scope, g *autograd.UpdateGroup) {
			for range 33 {
				g.Program.Scale(g.Program.Parameter(), 2, g.Program.Parameter())
			}
		}, "more than 32 operations"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w *autograd.Tensor
			err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
				w = s.RequireGrad(autograd.FromSlice(s, []float32{1, 2}, 2))
				err := s.Sub(func(s *autograd.Scope) error {
					g := autograd.UpdateGroup{Names: []string{"w"}, Parameters: one(w), Program: &autograd.UpdateProgram{}}
					c.edit(s, &g)
					autograd.Update{Groups: []autograd.UpdateGroup{g}}.Apply(s)
					return s.Err()
				})
				if got := autograd.ToSlice[float32](s, w); !slices.Equal(got, []float32{1, 2}) {
					t.Errorf("the parameter changed to %v", got)
				}
				return err
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
