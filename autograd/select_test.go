package autograd_test

import (
	"reflect"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestArgmax: the first index of the largest element, as an int64, along either dimension.
func TestArgmax(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := autograd.FromSlice(s, []float32{1, 5, 2, 7, 0, -1}, 2, 3)
		for dim, want := range map[int64][]int64{0: {1, 0, 0}, 1: {1, 0}, -1: {1, 0}} {
			if got := autograd.ToSlice[int64](s, s.Argmax(x, dim)); !reflect.DeepEqual(got, want) {
				t.Errorf("dimension %d: %v, want %v", dim, got, want)
			}
		}
	})
}

// TestSliceClampsItsEnd: an index beyond the end means the end, as in PyTorch, and a negative one counts from it.
func TestSliceClampsItsEnd(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		x := autograd.FromSlice(s, []float32{1, 2, 3, 4}, 4)
		for _, tc := range []struct {
			from, to int64
			want     []float32
		}{{0, 2, []float32{1, 2}}, {2, 99, []float32{3, 4}}, {-3, -1, []float32{2, 3}}, {3, 2, []float32{}}} {
			if got := autograd.ToSlice[float32](s, s.Slice(x, 0, tc.from, tc.to)); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%d to %d: %v, want %v", tc.from, tc.to, got, tc.want)
			}
		}
	})
}
