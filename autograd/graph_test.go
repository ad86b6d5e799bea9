package autograd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

func cube(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor { return s.Mul(s.Square(x), x) }

// TestGrad: of x^3 y, derived by hand.
func TestGrad(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{2, 3}, 2))
		y := s.RequireGrad(autograd.FromSlice(s, []float64{5, 7}, 2))
		apart := s.RequireGrad(autograd.FromSlice(s, []float64{1}, 1))
		inner := s.Square(x)
		out := s.Mul(s.Mul(inner, x), y)

		weights := autograd.FromSlice(s, []float64{1, 10}, 2)
		first := autograd.Grad(s, []*autograd.Tensor{out}, []*autograd.Tensor{x, y, inner, apart},
			autograd.GradOptions{GradOutputs: []*autograd.Tensor{weights}, CreateGraph: true, AllowUnused: true})
		checkClose(t, "by x", autograd.ToSlice[float64](s, first[0]), []float64{3 * 4 * 5, 10 * 3 * 9 * 7}, 0)
		checkClose(t, "by y", autograd.ToSlice[float64](s, first[1]), []float64{8, 10 * 27}, 0)
		checkClose(t, "by a part of the graph", autograd.ToSlice[float64](s, first[2]), []float64{2 * 5, 10 * 3 * 7}, 0)
		if first[3] != nil {
			t.Error("a gradient at an input that nothing depends on")
		}
		second := autograd.Grad(s, []*autograd.Tensor{s.Sum(first[0])}, []*autograd.Tensor{x}, autograd.GradOptions{RetainGraph: true})
		checkClose(t, "second derivative", autograd.ToSlice[float64](s, second[0]), []float64{6 * 2 * 5, 10 * 6 * 3 * 7}, 0)
		if s.Grad(x) != nil {
			t.Error("Grad has left a gradient at a leaf")
		}
		if !x.RequiresGrad() || !x.IsLeaf() || out.IsLeaf() || !out.RequiresGrad() || weights.RequiresGrad() {
			t.Error("RequiresGrad or IsLeaf is wrong")
		}
	})
	for name, c := range map[string]struct {
		outputs func(s *autograd.Scope, x *autograd.Tensor) []*autograd.Tensor
		options autograd.GradOptions
		want    string
	}{
		"unused": {func(s *autograd.Scope, x *autograd.Tensor) []*autograd.Tensor {
			return []*autograd.Tensor{s.Sum(s.RequireGrad(s.Detach(x)))}
		}, autograd.GradOptions{}, "allow_unused"},
		"no scalar":  {func(s *autograd.Scope, x *autograd.Tensor) []*autograd.Tensor { return []*autograd.Tensor{s.Square(x)} }, autograd.GradOptions{}, "scalar"},
		"no outputs": {func(s *autograd.Scope, x *autograd.Tensor) []*autograd.Tensor { return nil }, autograd.GradOptions{}, "0 outputs"},
	} {
		err := failing(t, func(s *autograd.Scope) error {
			x := s.RequireGrad(autograd.FromSlice(s, []float64{2, 3}, 2))
			autograd.Grad(s, c.outputs(s, x), []*autograd.Tensor{x}, c.options)
			return nil
		})
		if !strings.Contains(err.Error(), "grad of") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestBackwardWith(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{2, 3}, 2))
		y := s.Square(x)
		w := autograd.FromSlice(s, []float64{1, -1}, 2)
		s.BackwardWith(y, autograd.BackwardOptions{Gradient: w, RetainGraph: true})
		s.BackwardWith(y, autograd.BackwardOptions{Gradient: w})
		checkClose(t, "twice", autograd.ToSlice[float64](s, s.Grad(x)), []float64{8, -12}, 0)
		s.SetRequiresGrad(x, false)
		if s.Square(x).RequiresGrad() {
			t.Error("a frozen leaf is in the graph")
		}
	})
	err := failing(t, func(s *autograd.Scope) error {
		y := s.Sum(s.Square(s.RequireGrad(s.Zeros(autograd.Float32, autograd.CPU, 2))))
		s.Backward(y)
		s.Backward(y)
		return nil
	})
	if !strings.Contains(err.Error(), "second time") {
		t.Errorf("error %v", err)
	}
}

func TestGradientHooks(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := s.RequireGrad(autograd.FromSlice(s, []float64{2, 3}, 2))
		var seen []float64
		leaf := s.RegisterHook(x, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor {
			seen = append(seen, autograd.ToSlice[float64](s, g)...)
			return nil
		})
		for range 2 {
			y := s.Square(x)
			s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor { return s.Scale(g, 10) })
			s.Backward(s.Sum(y))
			leaf.Remove(s)
		}
		checkClose(t, "seen once, changed by the other hook", seen, []float64{40, 60}, 0)
		checkClose(t, "gradient", autograd.ToSlice[float64](s, s.Grad(x)), []float64{80, 120}, 0)
		leaf.Remove(s)
	})
}

// TestCallbackErrors: an error in a hook, a Function or a checkpoint is the pass's error, and
// libtorch remains usable.
func TestCallbackErrors(t *testing.T) {
	wrong := map[string]func(s *autograd.Scope) *autograd.Tensor{
		"error": func(s *autograd.Scope) *autograd.Tensor { s.Fail(errMine); return nil },
		"panic": func(s *autograd.Scope) *autograd.Tensor { panic(errMine) },
		"index": func(s *autograd.Scope) *autograd.Tensor {
			var none []*autograd.Tensor
			return none[len(none)]
		},
		"libtorch": func(s *autograd.Scope) *autograd.Tensor { fail(s); return nil },
		"shape":    func(s *autograd.Scope) *autograd.Tensor { return s.Zeros(autograd.Float64, autograd.CPU, 7) },
		"freed": func(s *autograd.Scope) *autograd.Tensor {
			z := s.Zeros(autograd.Float64, autograd.CPU, 2)
			s.Free(z)
			return z
		},
	}
	for how, f := range wrong {
		for where, use := range map[string]func(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor{
			"hook": func(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
				y := s.Square(x)
				s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor { return f(s) })
				return y
			},
			"function": func(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor { return s.Apply(wrongBackward{f}, x)[0] },
			"checkpoint": func(s *autograd.Scope, x *autograd.Tensor) *autograd.Tensor {
				first := true
				return s.Checkpoint(func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
					if first {
						first = false
						return s.Square(in[0])
					}
					return f(s)
				}, x)
			},
		} {
			t.Run(where+"/"+how, func(t *testing.T) {
				err := failing(t, func(s *autograd.Scope) error {
					x := s.RequireGrad(s.Zeros(autograd.Float64, autograd.CPU, 2))
					s.Backward(s.Sum(use(s, x)))
					return nil
				})
				checkCallbackError(t, how, where, err)
			})
		}
	}
}

func checkCallbackError(t *testing.T, how, where string, err error) {
	t.Helper()
	if !strings.Contains(err.Error(), "backward(float64[])") {
		t.Errorf("the pass is not named: %v", err)
	}
	var panicked *autograd.PanicError
	if (how == "panic" || how == "index") != errors.As(err, &panicked) {
		t.Errorf("error %v", err)
	}
	if (how == "error" || how == "panic") != errors.Is(err, errMine) || (how == "freed") != errors.Is(err, autograd.ErrFreed) {
		t.Errorf("error %v", err)
	}
	want := map[string]string{"error": "mine", "panic": "panic: mine", "index": "index out of range", "libtorch": "matmul", "shape": "", "freed": "after its scope"}[how]
	if !strings.Contains(err.Error(), want) || how != "shape" && !strings.Contains(err.Error(), where) {
		t.Errorf("error %v, want %q and %q in it", err, where, want)
	}
	checkMessage(t, err)
}

// wrongBackward is the identity with a backward pass that fails.
type wrongBackward struct {
	backward func(s *autograd.Scope) *autograd.Tensor
}

func (wrongBackward) Forward(ctx *autograd.FunctionCtx, s *autograd.Scope, in []*autograd.Tensor) []*autograd.Tensor {
	return in
}

func (w wrongBackward) Backward(ctx *autograd.FunctionCtx, s *autograd.Scope, g []*autograd.Tensor) []*autograd.Tensor {
	return []*autograd.Tensor{w.backward(s)}
}

// cubeFunction is x^3 with its derivative; it has two results, one of which is saved.
type cubeFunction struct{ sign float64 }

func (cubeFunction) Forward(ctx *autograd.FunctionCtx, s *autograd.Scope, in []*autograd.Tensor) []*autograd.Tensor {
	square := s.Square(in[0])
	ctx.SaveForBackward(in[0], square)
	return []*autograd.Tensor{s.Mul(square, in[0]), square}
}

func (c cubeFunction) Backward(ctx *autograd.FunctionCtx, s *autograd.Scope, g []*autograd.Tensor) []*autograd.Tensor {
	x, square := ctx.SavedTensors()[0], ctx.SavedTensors()[1]
	cubed := s.Mul(g[0], s.Scale(square, 3*c.sign))
	return []*autograd.Tensor{s.Add(cubed, s.Mul(g[1], s.Scale(x, 2)))}
}

func TestFunction(t *testing.T) {
	both := func(sign float64) func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
		return func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			y := s.Apply(cubeFunction{sign}, in[0])
			if s.Err() != nil {
				return nil
			}
			return s.Add(y[0], s.Scale(y[1], 0.3))
		}
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := random(3, 2, 3).tensor(s)
		in, o := []*autograd.Tensor{x}, autograd.GradCheckOptions{}
		if err := errors.Join(autograd.GradCheck(s, both(1), in, o), autograd.GradGradCheck(s, both(1), in, o)); err != nil {
			t.Error(err)
		}
		if err := autograd.GradCheck(s, both(-1), in, o); err == nil || !strings.Contains(err.Error(), "element [0 0]") {
			t.Errorf("with a wrong sign: %v", err)
		}
		// One result unused, and none recorded.
		s.RequireGrad(x)
		s.Backward(s.Sum(s.Apply(cubeFunction{1}, x)[1]))
		checkClose(t, "one result", autograd.ToSlice[float64](s, s.Grad(x)), autograd.ToSlice[float64](s, s.Scale(s.Detach(x), 2)), 1e-15)
		if err := s.NoGrad(func(s *autograd.Scope) error {
			if s.Apply(cubeFunction{1}, x)[0].RequiresGrad() {
				t.Error("recorded in NoGrad")
			}
			return s.Err()
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestFunctionMisuse: wrong counts, and saved tensors that are modified or used twice, are errors
// that name the function.
func TestFunctionMisuse(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(s *autograd.Scope, x *autograd.Tensor)
		want string
	}{
		"count": {func(s *autograd.Scope, x *autograd.Tensor) {
			s.Backward(s.Sum(s.Apply(wrongCount{}, x)[0]))
		}, "2 results, want 1"},
		"changed in place": {func(s *autograd.Scope, x *autograd.Tensor) {
			y := s.Scale(x, 1)
			z := s.Apply(cubeFunction{1}, y)[0]
			s.ReLUInPlace(y)
			s.Backward(s.Sum(z))
		}, "modified by an inplace operation"},
		"twice": {func(s *autograd.Scope, x *autograd.Tensor) {
			z := s.Apply(cubeFunction{1}, x)[0]
			s.BackwardWith(z, autograd.BackwardOptions{Gradient: x})
			s.BackwardWith(z, autograd.BackwardOptions{Gradient: x})
		}, "second time"},
		"nil result": {func(s *autograd.Scope, x *autograd.Tensor) { s.Apply(nilResult{}, x) }, "function autograd_test.nilResult"},
	} {
		t.Run(name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				c.f(s, s.RequireGrad(autograd.FromSlice(s, []float64{1, 2}, 2)))
				return nil
			})
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

type wrongCount struct{ wrongBackward }

func (wrongCount) Backward(ctx *autograd.FunctionCtx, s *autograd.Scope, g []*autograd.Tensor) []*autograd.Tensor {
	return append(g, g...)
}

type nilResult struct{ wrongBackward }

func (nilResult) Forward(*autograd.FunctionCtx, *autograd.Scope, []*autograd.Tensor) []*autograd.Tensor {
	return []*autograd.Tensor{nil}
}

func TestGradCheckFinds(t *testing.T) {
	counter := 0.0
	for name, c := range map[string]struct {
		f    func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor
		want string
	}{
		"right":            {func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return cube(s, in[0]) }, ""},
		"missing gradient": {func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { return s.Mul(in[0], s.Detach(in[0])) }, "input 0, float64[2], element [0]"},
		"other each time": {func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			counter++
			return s.Scale(in[0], counter)
		}, "for the same inputs"},
		"changes its input": {func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor {
			y := s.Square(in[0])
			s.Copy(in[0], in[1])
			return s.Detach(y)
		}, "changes input 0"},
		"fails": {func(s *autograd.Scope, in []*autograd.Tensor) *autograd.Tensor { fail(s); return nil }, "matmul"},
	} {
		t.Run(name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				in := []*autograd.Tensor{autograd.FromSlice(s, []float64{1, 2}, 2), autograd.FromSlice(s, []float64{3, 4}, 2)}
				err := autograd.GradCheck(s, c.f, in, autograd.GradCheckOptions{})
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(fmt.Sprint(err), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			})
		})
	}
}
