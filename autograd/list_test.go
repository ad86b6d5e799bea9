package autograd_test

import (
	"math"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// listCases are the operations on lists and their effect on each element l, given a and b from two
// other lists.
var listCases = []struct {
	name string
	op   func(s *autograd.Scope, l, a, b autograd.List)
	want func(l, a, b float64) float64
}{
	{"scale", func(s *autograd.Scope, l, _, _ autograd.List) { l.Scale(s, -0.3) }, func(l, _, _ float64) float64 { return -0.3 * l }},
	{"add scalar", func(s *autograd.Scope, l, _, _ autograd.List) { l.AddScalar(s, 0.7) }, func(l, _, _ float64) float64 { return l + 0.7 }},
	{"add scaled", func(s *autograd.Scope, l, a, _ autograd.List) { l.AddScaled(s, a, -1.1) }, func(l, a, _ float64) float64 { return l - 1.1*a }},
	{"add product", func(s *autograd.Scope, l, a, b autograd.List) { l.AddProduct(s, a, b, 0.9) }, func(l, a, b float64) float64 { return l + 0.9*a*b }},
	{"add quotient", func(s *autograd.Scope, l, a, b autograd.List) { l.AddQuotient(s, a, b, 0.9) }, func(l, a, b float64) float64 { return l + 0.9*a/b }},
	{"sqrt", func(s *autograd.Scope, l, _, _ autograd.List) { l.Sqrt(s) }, func(l, _, _ float64) float64 { return math.Sqrt(l) }},
	{"lerp", func(s *autograd.Scope, l, a, _ autograd.List) { l.Lerp(s, a, 0.2) }, func(l, a, _ float64) float64 { return l + 0.2*(a-l) }},
	{"lerp, beyond the middle", func(s *autograd.Scope, l, a, _ autograd.List) { l.Lerp(s, a, 0.9) }, func(l, a, _ float64) float64 { return l + 0.9*(a-l) }},
	{"copy", func(s *autograd.Scope, l, a, _ autograd.List) { l.CopyFrom(s, a) }, func(_, a, _ float64) float64 { return a }},
	{"zero", func(s *autograd.Scope, l, _, _ autograd.List) { l.Zero(s) }, func(_, _, _ float64) float64 { return 0 }},
}

// listArrays returns values between 0.5 and 2.5, in typical shapes of parameters.
func listArrays(seed uint64) []array {
	var list []array
	for i, shape := range [][]int64{{4, 3, 3, 3}, {7}, {}, {2, 5}} {
		a := random(seed+uint64(i), shape...)
		for j := range a.data {
			a.data[j] += 1.5
		}
		list = append(list, a)
	}
	return list
}

func listOf(s *autograd.Scope, arrays []array, d autograd.DType) autograd.List {
	var l autograd.List
	for _, a := range arrays {
		l = append(l, s.To(a.tensor(s), d))
	}
	return l
}

func TestList(t *testing.T) {
	l, a, b := listArrays(10), listArrays(20), listArrays(30)
	for _, p := range []struct {
		dtype autograd.DType
		tol   float64
	}{{autograd.Float64, 1e-15}, {autograd.Float32, 3e-7}} { // three roundings each
		for _, c := range listCases {
			t.Run(c.name+"/"+p.dtype.String(), func(t *testing.T) {
				autogradtest.Run(t, func(s *autograd.Scope) {
					list := listOf(s, l, p.dtype)
					s.RequireGrad(list[0]) // parameters are leaves; an update is not recorded
					others := []autograd.List{listOf(s, a, p.dtype), listOf(s, b, p.dtype)}
					c.op(s, list, others[0], others[1])
					for i, x := range list {
						want := make([]float64, len(l[i].data))
						for j := range want {
							want[j] = c.want(l[i].data[j], a[i].data[j], b[i].data[j])
						}
						checkClose(t, "list", autograd.ToSlice[float64](s, x), want, p.tol)
						checkClose(t, "other list", autograd.ToSlice[float64](s, others[0][i]), a[i].data, p.tol)
					}
				})
			})
		}
	}
}

func TestListCopies(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		l := listOf(s, listArrays(10), autograd.Float32)
		clone, zeros, full := l.Clone(s), l.ZerosLike(s), l.FullLike(s, 2.5)
		l.Zero(s)
		for i, a := range listArrays(10) {
			checkClose(t, "clone", autograd.ToSlice[float64](s, clone[i]), a.data, 1e-7)
			checkClose(t, "zeros", autograd.ToSlice[float64](s, zeros[i]), make([]float64, len(a.data)), 0)
			for _, v := range autograd.ToSlice[float32](s, full[i]) {
				if v != 2.5 {
					t.Errorf("full holds %v", v)
				}
			}
		}
	})
}

func TestListNorm(t *testing.T) {
	arrays := listArrays(10)
	sum := 0.0
	for _, a := range arrays {
		for _, v := range a.data {
			sum += v * v
		}
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		checkClose(t, "float64", []float64{listOf(s, arrays, autograd.Float64).Norm(s)}, []float64{math.Sqrt(sum)}, 1e-14)
		checkClose(t, "float32", []float64{listOf(s, arrays, autograd.Float32).Norm(s)}, []float64{math.Sqrt(sum)}, 1e-6)
		checkClose(t, "3, 4 of two tensors", []float64{autograd.List{autograd.FromSlice(s, []float32{3}, 1), autograd.FromSlice(s, []float32{4}, 1)}.Norm(s)}, []float64{5}, 0)
	})
}

func TestAllFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		values []float32
		want   bool
	}{
		{"finite", []float32{1, -2, 0}, true},
		{"not a number", []float32{1, nan, 0}, false},
		{"infinite", []float32{1, inf}, false},
		{"minus infinite", []float32{-inf, 1}, false},
		{"infinities that cancel", []float32{inf, -inf}, false},
		{"finite values of infinite sum", []float32{math.MaxFloat32, math.MaxFloat32}, true},
		{"infinite sum, and not a number", []float32{math.MaxFloat32, math.MaxFloat32, nan}, false},
		{"none", []float32{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				x, good := autograd.FromSlice(s, c.values, int64(len(c.values))), s.Zeros(autograd.Float64, autograd.CPU, 3)
				for _, l := range []autograd.List{{x}, {good, x}, {x, good}} {
					if got := l.AllFinite(s); got != c.want {
						t.Errorf("AllFinite of %v is %v", l, got)
					}
				}
			})
		})
	}
}

func TestListMistakes(t *testing.T) {
	for _, c := range []struct {
		name string
		op   func(s *autograd.Scope, l, a, b autograd.List)
		want string
	}{
		{"shorter", func(s *autograd.Scope, l, a, _ autograd.List) { l.AddScaled(s, a[1:], 1) }, "lists of 4 and 3 tensors"},
		{"longer", func(s *autograd.Scope, l, a, _ autograd.List) { l[1:].CopyFrom(s, a) }, "lists of 3 and 4 tensors"},
		{"third one shorter", func(s *autograd.Scope, l, a, b autograd.List) { l.AddProduct(s, a, b[1:], 1) }, "lists of 4 and 3 tensors"},
		{"empty with one that is not", func(s *autograd.Scope, _, a, _ autograd.List) { autograd.List{}.Lerp(s, a, 0.5) }, "lists of 0 and 4 tensors"},
		{"other shapes", func(s *autograd.Scope, l, a, b autograd.List) {
			l.AddQuotient(s, autograd.List{a[1], a[1], a[1], a[1]}, b, 1)
		}, "list add quotient"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				c.op(s, listOf(s, listArrays(1), autograd.Float32), listOf(s, listArrays(2), autograd.Float32), listOf(s, listArrays(3), autograd.Float32))
				return nil
			})
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestEmptyList(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		var none autograd.List
		for _, c := range listCases {
			c.op(s, none, none, none)
		}
		if n := none.Norm(s); n != 0 {
			t.Errorf("norm %v", n)
		}
		if len(none.Clone(s)) != 0 || len(autograd.GradsOf(s, none)) != 0 {
			t.Error("something came of nothing")
		}
		if !none.AllFinite(s) {
			t.Error("nothing is finite")
		}
	})
}
