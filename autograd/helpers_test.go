package autograd_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"depthwise.dev/autograd"
)

// array is a host tensor in float64, row-major.
type array struct {
	data  []float64
	shape []int64
}

// random returns values distributed uniformly over (-1, 1).
func random(seed uint64, shape ...int64) array {
	a := array{shape: shape, data: make([]float64, product(shape))}
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range a.data {
		a.data[i] = 2*rng.Float64() - 1
	}
	return a
}

func (a array) tensor(s *autograd.Scope) *autograd.Tensor {
	return autograd.FromSlice(s, a.data, a.shape...)
}

func product(shape []int64) int {
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	return n
}

func square2(a, b, c, d float64) array {
	return array{data: []float64{a, b, c, d}, shape: []int64{2, 2}}
}

// checkClose compares element by element: |got - want| <= tol * (1 + |want|).
func checkClose(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// failing runs f, whose scope is expected to end with an error, and checks that nothing leaks.
func failing(t *testing.T, f func(s *autograd.Scope) error) error {
	t.Helper()
	before := autograd.LiveTensors()
	err := autograd.Run(context.Background(), f)
	if err == nil {
		t.Error("no error")
		err = fmt.Errorf("none")
	}
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
	return err
}
