package autograd_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

var errMine = errors.New("mine")

// fail makes an operation of s fail: a product of 2x3 and 2x3.
func fail(s *autograd.Scope) {
	x := s.Zeros(autograd.Float32, autograd.CPU, 2, 3)
	s.Matmul(x, x)
}

func TestFirstFailureSticks(t *testing.T) {
	err := failing(t, func(s *autograd.Scope) error {
		good := s.Zeros(autograd.Float32, autograd.CPU, 4)
		fail(s)
		first := s.Err()
		if first == nil || !strings.Contains(first.Error(), "matmul") {
			t.Errorf("the error is %v", first)
		}
		if s.Add(good, good) != nil {
			t.Error("an operation after the failure gave a tensor")
		}
		s.Fail(errMine)
		s.Reshape(good, 5)
		if s.Err() != first {
			t.Errorf("the error became %v", s.Err())
		}
		for name, open := range map[string]func(func(*autograd.Scope) error) error{"Sub": s.Sub, "NoGrad": s.NoGrad,
			"Autocast": func(f func(*autograd.Scope) error) error { return s.Autocast(autograd.BFloat16, f) }} {
			if err := open(func(*autograd.Scope) error { t.Errorf("%s runs in a failed scope", name); return nil }); err != first {
				t.Errorf("%s in a failed scope returns %v", name, err)
			}
		}
		return nil
	})
	if !strings.Contains(err.Error(), "matmul") {
		t.Errorf("Run returns %v", err)
	}
}

func TestScopeErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func(s *autograd.Scope) error
		want error
	}{
		{"own error", func(*autograd.Scope) error { return errMine }, errMine},
		{"own error over an operation's", func(s *autograd.Scope) error { fail(s); return errMine }, errMine},
		{"Fail", func(s *autograd.Scope) error { s.Fail(errMine); return nil }, errMine},
		{"error of a scope within, handed on", func(s *autograd.Scope) error {
			return s.Sub(func(s *autograd.Scope) error { return s.NoGrad(func(*autograd.Scope) error { return errMine }) })
		}, errMine},
		{"error of a scope within, handled", func(s *autograd.Scope) error {
			if err := s.Sub(func(s *autograd.Scope) error { fail(s); return nil }); err == nil {
				t.Error("the scope within has no error")
			}
			x := s.Zeros(autograd.Float32, autograd.CPU, 2)
			if s.Add(x, x) == nil {
				t.Error("the outer scope was poisoned")
			}
			return nil
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := autograd.LiveTensors()
			if err := autograd.Run(context.Background(), c.f); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if leaked := autograd.LiveTensors() - before; leaked != 0 {
				t.Errorf("%d native tensors leaked", leaked)
			}
		})
	}
}

func TestKeepAndFree(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		var lost, kept, far *autograd.Tensor
		err := s.Sub(func(s *autograd.Scope) error {
			lost = autograd.FromSlice(s, []float64{1}, 1)
			kept = s.Keep(autograd.FromSlice(s, []float64{2}, 1))
			if s.Keep(kept) != kept || s.Keep(nil) != nil {
				t.Error("Keep returns another tensor")
			}
			return s.Sub(func(inner *autograd.Scope) error {
				far = s.Keep(inner.Keep(autograd.FromSlice(inner, []float64{3}, 1)))
				inner.Keep(kept) // not owned by inner: no effect
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
		if lost.Shape() != nil || lost.String() != "freed" {
			t.Errorf("%v outlived its scope", lost)
		}
		checkClose(t, "kept", append(autograd.ToSlice[float64](s, kept), autograd.ToSlice[float64](s, far)...), []float64{2, 3}, 0)
		s.Keep(kept) // no effect in a root scope
		checkClose(t, "kept by the root", autograd.ToSlice[float64](s, kept), []float64{2}, 0)

		x := s.RequireGrad(autograd.FromSlice(s, []float64{3}, 1))
		y := s.Square(x)
		sum := s.Sum(s.Square(y))
		s.Free(y, nil, y)
		if y.String() != "freed" {
			t.Error("Free has not freed")
		}
		s.Backward(sum) // x^4; the graph keeps what it needs
		checkClose(t, "gradient", autograd.ToSlice[float64](s, s.Grad(x)), []float64{4 * 27}, 0)
	})
}

func TestUseAfterFree(t *testing.T) {
	for name, use := range map[string]func(s *autograd.Scope, dead *autograd.Tensor){
		"operation": func(s *autograd.Scope, dead *autograd.Tensor) { s.Add(dead, dead) },
		"ToSlice":   func(s *autograd.Scope, dead *autograd.Tensor) { autograd.ToSlice[float32](s, dead) },
		"Item":      func(s *autograd.Scope, dead *autograd.Tensor) { s.Item(dead) },
		"Copy": func(s *autograd.Scope, dead *autograd.Tensor) {
			s.Copy(dead, s.Zeros(autograd.Float32, autograd.CPU, 1))
		},
		"Backward": func(s *autograd.Scope, dead *autograd.Tensor) { s.Backward(dead) },
		"Grad":     func(s *autograd.Scope, dead *autograd.Tensor) { s.Grad(dead) },
		"List":     func(s *autograd.Scope, dead *autograd.Tensor) { autograd.List{dead}.Scale(s, 2) },
		"ListPair": func(s *autograd.Scope, dead *autograd.Tensor) {
			autograd.List{s.Zeros(autograd.Float32, autograd.CPU, 1)}.CopyFrom(s, autograd.List{dead})
		},
		"Gotch": func(s *autograd.Scope, dead *autograd.Tensor) { s.Gotch(dead) },
	} {
		t.Run(name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				var dead *autograd.Tensor
				if err := s.Sub(func(s *autograd.Scope) error {
					dead = s.Zeros(autograd.Float32, autograd.CPU, 1)
					return nil
				}); err != nil {
					return err
				}
				use(s, dead)
				return nil
			})
			if !errors.Is(err, autograd.ErrFreed) {
				t.Errorf("error %v, want ErrFreed", err)
			}
		})
	}
}

// recording reports whether operations are recorded for Backward.
func recording(t *testing.T, s *autograd.Scope) bool {
	t.Helper()
	return s.Sub(func(s *autograd.Scope) error {
		s.Backward(s.Sum(s.RequireGrad(s.Zeros(autograd.Float32, autograd.CPU, 1))))
		return nil
	}) == nil
}

func TestNoGradRestores(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		check := func(where string, s *autograd.Scope, want bool) {
			if recording(t, s) != want {
				t.Errorf("%s: recording is %v", where, !want)
			}
		}
		check("at first", s, true)
		err := s.NoGrad(func(s *autograd.Scope) error {
			check("in NoGrad", s, false)
			err := s.NoGrad(func(s *autograd.Scope) error { check("nested", s, false); return errMine })
			check("after the nested one", s, false)
			return err
		})
		if !errors.Is(err, errMine) {
			t.Errorf("error %v", err)
		}
		check("after an error", s, true)
		func() {
			defer func() { _ = recover() }()
			_ = s.NoGrad(func(*autograd.Scope) error { panic("in NoGrad") })
		}()
		check("after a panic", s, true)
		if err := s.NoGrad(func(s *autograd.Scope) error { fail(s); return nil }); err == nil {
			t.Error("no error")
		}
		check("after a failed operation", s, true)
	})
}

func TestPanicFreesEverything(t *testing.T) {
	before := autograd.LiveTensors()
	var kept *autograd.Tensor
	func() {
		defer func() {
			if recover() != errMine {
				t.Error("the panic was swallowed")
			}
		}()
		_ = autograd.Run(context.Background(), func(s *autograd.Scope) error {
			s.Zeros(autograd.Float32, autograd.CPU, 9)
			return s.Sub(func(s *autograd.Scope) error {
				kept = s.Keep(s.Zeros(autograd.Float32, autograd.CPU, 9))
				return s.NoGrad(func(s *autograd.Scope) error {
					s.Zeros(autograd.Float32, autograd.CPU, 9)
					panic(errMine)
				})
			})
		})
	}()
	if kept.String() != "freed" {
		t.Error("a kept tensor outlives the panic")
	}
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		if !recording(t, s) {
			t.Error("the next run records nothing")
		}
	})
}

func TestRunWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := autograd.Run(ctx, func(*autograd.Scope) error { t.Error("ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	type key struct{}
	ctx = context.WithValue(context.Background(), key{}, 7)
	if err := autograd.Run(ctx, func(s *autograd.Scope) error {
		return s.Sub(func(s *autograd.Scope) error {
			if s.Context().Value(key{}) != 7 {
				t.Error("the scope has another context")
			}
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
}
