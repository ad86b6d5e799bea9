package autograd_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

func checkRoundTrip[T autograd.Element](t *testing.T, want autograd.DType, values ...T) {
	t.Run(want.String(), func(t *testing.T) {
		autogradtest.Run(t, func(s *autograd.Scope) {
			source := slices.Clone(values)
			x := autograd.FromSlice(s, source, int64(len(values)))
			clear(source) // the tensor must have its own copy
			if x.DType() != want || x.Numel() != int64(len(values)) || x.Device() != autograd.CPU {
				t.Errorf("made %v on %v", x, x.Device())
			}
			if got := autograd.ToSlice[T](s, x); !reflect.DeepEqual(got, values) {
				t.Errorf("got %v, want %v", got, values)
			}
		})
	})
}

func TestRoundTrip(t *testing.T) {
	checkRoundTrip(t, autograd.Float32, float32(1.5), math.MaxFloat32, -0.25)
	checkRoundTrip(t, autograd.Float64, 1e-300, math.Pi, math.Inf(-1))
	checkRoundTrip(t, autograd.Int64, int64(math.MinInt64), 0, 1<<53+1)
	checkRoundTrip(t, autograd.Int32, int32(math.MinInt32), 7)
	checkRoundTrip(t, autograd.Uint8, uint8(0), 255, 128)
	checkRoundTrip(t, autograd.Bool, true, false, true)
}

// TestRowMajor: values are returned in the order N, C, H, W in any memory layout.
func TestRowMajor(t *testing.T) {
	x := random(1, 2, 3, 4, 5)
	autogradtest.Run(t, func(s *autograd.Scope) {
		last := s.ChannelsLast(x.tensor(s))
		checkClose(t, "channels last", autograd.ToSlice[float64](s, last), x.data, 0)
		y := random(2, 2, 3, 4, 5)
		autograd.CopyFromSlice(s, last, y.data)
		checkClose(t, "copied into channels last", autograd.ToSlice[float64](s, last), y.data, 0)
		checkClose(t, "and flattened there", autograd.ToSlice[float64](s, s.Reshape(last, -1)), y.data, 0)

		single := s.Zeros(autograd.Float32, autograd.CPU, 2)
		s.RequireGrad(single)
		autograd.CopyFromSlice(s, single, []float64{0.5, 7}) // converts, and is not recorded in a graph
		checkClose(t, "converted", autograd.ToSlice[float64](s, single), []float64{0.5, 7}, 0)
		if single.DType() != autograd.Float32 {
			t.Errorf("became %v", single)
		}
	})
}

func TestWrongCounts(t *testing.T) {
	for _, c := range []struct {
		name string
		op   func(s *autograd.Scope)
		want string
	}{
		{"too few", func(s *autograd.Scope) { autograd.FromSlice(s, []float32{1, 2}, 3) }, "shape [3] has 3 elements, the slice has 2"},
		{"too many", func(s *autograd.Scope) { autograd.FromSlice(s, []float32{1, 2}, 1, 1) }, "shape [1 1] has 1 elements, the slice has 2"},
		{"more than can be counted", func(s *autograd.Scope) { autograd.FromSlice(s, []float32{}, 1<<32, 1<<32) }, "too many elements"},
		{"scalar of two", func(s *autograd.Scope) { autograd.FromSlice(s, []float32{1, 2}) }, "has 1 elements, the slice has 2"},
		{"negative", func(s *autograd.Scope) { autograd.FromSlice(s, []float32{1, 2}, -1, -2) }, "negative"},
		{"copied", func(s *autograd.Scope) {
			autograd.CopyFromSlice(s, s.Zeros(autograd.Float32, autograd.CPU, 2), []float32{1})
		}, "the slice has 1"},
		{"pixels", func(s *autograd.Scope) {
			s.NormalizeImages(make([]byte, 11), 1, 2, 2, [3]float64{}, [3]float64{1, 1, 1}, autograd.CPU)
		}, "normalize images: shape [1 2 2 3] has 12 elements, the slice has 11"},
		{"item of many", func(s *autograd.Scope) { s.Item(s.Zeros(autograd.Int64, autograd.CPU, 2, 2)) }, "item: want one element, have int64[2 2]"},
		{"item of none", func(s *autograd.Scope) { s.Item(s.Zeros(autograd.Int64, autograd.CPU, 0)) }, "item: want one element, have int64[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error { c.op(s); return nil })
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	autogradtest.Run(t, func(s *autograd.Scope) {
		if v := s.Item(autograd.FromSlice(s, []int64{42}, 1, 1, 1)); v != 42 {
			t.Errorf("item of one element is %v", v)
		}
		if v := autograd.ToSlice[float32](s, autograd.FromSlice[float32](s, nil, 0, 3)); len(v) != 0 {
			t.Errorf("nothing became %v", v)
		}
	})
}

// TestNormalizeImages compares with (v/255 - mean) / std, pixel by pixel.
func TestNormalizeImages(t *testing.T) {
	mean, std := [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
	for _, size := range [][3]int{{1, 1, 1}, {2, 3, 5}, {4, 70, 90}} { // the last one is split over threads
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			n, h, w := size[0], size[1], size[2]
			pixels := make([]uint8, n*h*w*3)
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range pixels {
				pixels[i] = uint8(rng.UintN(256))
			}
			want := make([]float64, len(pixels))
			for i, v := range pixels {
				image, rest := i/(h*w*3), i%(h*w*3)
				c, place := rest%3, rest/3
				want[(image*3+c)*h*w+place] = (float64(v)/255 - mean[c]) / std[c]
			}
			autogradtest.Run(t, func(s *autograd.Scope) {
				x := s.NormalizeImages(pixels, n, h, w, mean, std, autograd.CPU)
				if !slices.Equal(x.Shape(), []int64{int64(n), 3, int64(h), int64(w)}) || x.DType() != autograd.Float32 {
					t.Errorf("made %v", x)
				}
				checkClose(t, "pixels", autograd.ToSlice[float64](s, x), want, 1e-6) // float32
			})
		})
	}
}
