package models

import "testing"

// TensorFlow's `same` from its documentation: pad along an axis is
// max((ceil(n/s)-1)*s + k - n, 0), the smaller half before.
func TestPadding(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		padding              Padding
		size, kernel, stride int
		want                 Pad
	}{
		{"same, stride 2, even", Same, 224, 3, 2, Pad{0, 1}},
		{"same, stride 2, odd", Same, 33, 3, 2, Pad{1, 1}},
		{"same, stride 2, one pixel", Same, 1, 3, 2, Pad{1, 1}},
		{"same, stride 1, even", Same, 14, 3, 1, Pad{1, 1}},
		{"same, stride 1, odd", Same, 7, 3, 1, Pad{1, 1}},
		{"same, 1x1", Same, 7, 1, 1, Pad{0, 0}},
		{"same, 1x1 at stride 2", Same, 7, 1, 2, Pad{0, 0}},
		{"same, 5x5, stride 2, even", Same, 224, 5, 2, Pad{1, 2}},
		{"same, 2x2", Same, 8, 2, 1, Pad{0, 1}},
		{"symmetric, stride 2, even", Symmetric, 224, 3, 2, Pad{1, 1}},
		{"symmetric, stride 2, odd", Symmetric, 33, 3, 2, Pad{1, 1}},
		{"symmetric, 1x1", Symmetric, 7, 1, 1, Pad{0, 0}},
		{"symmetric, 5x5", Symmetric, 7, 5, 1, Pad{2, 2}},
		{"bottom right, even", BottomRight, 224, 3, 2, Pad{0, 1}},
		{"bottom right, odd", BottomRight, 33, 3, 2, Pad{0, 1}},
		{"valid", Valid, 33, 3, 2, Pad{0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.padding.Pad(tc.size, tc.kernel, tc.stride); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			l := Layer{Kernel: tc.kernel, Stride: tc.stride, Padding: tc.padding}
			if rows, columns := l.Pads(tc.size, 2*tc.size); rows != tc.want || columns != tc.padding.Pad(2*tc.size, tc.kernel, tc.stride) {
				t.Errorf("of a layer: rows %v, columns %v", rows, columns)
			}
		})
	}
}

func TestOutSize(t *testing.T) {
	for _, tc := range []struct {
		name                 string
		pad                  Pad
		size, kernel, stride int
		want                 int
	}{
		{"exact", Pad{}, 3, 3, 1, 1},
		{"rounds down", Pad{}, 8, 3, 2, 3},
		{"padded", Pad{1, 1}, 8, 3, 2, 4},
		{"too small", Pad{}, 2, 3, 1, 0},
		{"too small for the stride", Pad{}, 2, 3, 5, 0}, // (2-3)/5 + 1 would be 1
	} {
		if got := tc.pad.OutSize(tc.size, tc.kernel, tc.stride); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}
