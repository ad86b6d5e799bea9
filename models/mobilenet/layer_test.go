package mobilenet

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// variant returns a named network for a test.
func variant(t *testing.T, name string) Config {
	t.Helper()
	c, err := Variant(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Totals printed by Keras for the article's network, and by PyTorch for the paper's.
func TestCounts(t *testing.T) {
	for _, want := range []struct {
		variant                        string
		total, trainable, nonTrainable int64
	}{
		{"paper", 4_253_864, 4_231_976, 21_888},
		{"article", 4_264_808, 4_242_920, 21_888},
	} {
		t.Run(want.variant, func(t *testing.T) {
			sum := variant(t, want.variant).Summary()
			if sum.Params != want.total || sum.Trainable != want.trainable || sum.NonTrainable != want.nonTrainable {
				t.Errorf("params %d = %d + %d, want %d = %d + %d", sum.Params, sum.Trainable, sum.NonTrainable,
					want.total, want.trainable, want.nonTrainable)
			}
		})
	}
}

// The million multiply-adds that TF-slim's table of MobileNet v1 checkpoints
// publishes, at every width and resolution.
func TestMultiplyAddsAsPublished(t *testing.T) {
	resolutions := []int{224, 192, 160, 128}
	for _, published := range []struct {
		width    float64
		millions []float64 // at each resolution
		noStem   bool      // the figures of width 0.75 leave the first convolution out (the paper's Table 6 has 325)
	}{
		{1, []float64{569, 418, 291, 186}, false},
		{0.75, []float64{317, 233, 162, 104}, true},
		{0.5, []float64{150, 110, 77, 49}, false},
		{0.25, []float64{41, 30, 21, 14}, false}, // 34 is printed at 192: a slip, for the sizes scale by the area
	} {
		for i, resolution := range resolutions {
			c := variant(t, "paper")
			c.Width, c.Resolution = published.width, resolution
			got := c.Summary().MultiplyAdds
			if published.noStem {
				got -= c.Layers()[0].MultiplyAdds()
			}
			// Half a million is what printing whole millions hides, and rounding twice:
			// width 0.5 at 224 has 149.497 million, printed as 150.
			if math.Abs(float64(got)/1e6-published.millions[i]) > 0.505 {
				t.Errorf("width %v resolution %d: %d multiply-adds, published %v million", c.Width, resolution, got, published.millions[i])
			}
		}
	}
}

func TestChannelsTruncateAndNeverFallBelowEight(t *testing.T) {
	c := variant(t, "paper")
	for _, tc := range []struct {
		width float64
		in    int
		want  int
	}{{1, 32, 32}, {0.25, 32, 8}, {0.1, 32, 8}, {0.1, 128, 12}, {0.1, 1024, 102}, {1.5, 32, 48}} {
		c.Width = tc.width
		if got := c.channels(tc.in); got != tc.want {
			t.Errorf("%d channels at width %v: got %d, want %d", tc.in, tc.width, got, tc.want)
		}
	}
}

// TensorFlow's `same` from its documentation: pad along an axis is
// max((ceil(n/s)-1)*s + k - n, 0), the smaller half before.
func TestPadding(t *testing.T) {
	stem := Layer{Kind: Conv, Kernel: 3, Stride: 2}
	inner := Layer{Kind: Depthwise, Kernel: 3, Stride: 1}
	point := Layer{Kind: Pointwise, Kernel: 1, Stride: 1}
	for _, tc := range []struct {
		name   string
		layer  Layer
		scheme string
		size   int
		want   Pad
	}{
		{"same, stride 2, even", stem, Same, 224, Pad{0, 1}},
		{"same, stride 2, odd", stem, Same, 33, Pad{1, 1}},
		{"same, stride 2, one pixel", stem, Same, 1, Pad{1, 1}},
		{"same, stride 1, even", inner, Same, 14, Pad{1, 1}},
		{"same, stride 1, odd", inner, Same, 7, Pad{1, 1}},
		{"same, 1x1", point, Same, 7, Pad{0, 0}},
		{"symmetric, stride 2, even", stem, Symmetric, 224, Pad{1, 1}},
		{"symmetric, stride 2, odd", stem, Symmetric, 33, Pad{1, 1}},
		{"symmetric, 1x1", point, Symmetric, 7, Pad{0, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.layer.padding(tc.scheme, tc.size); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

// Both schemes give ceil(n/2) at stride 2, so every layer's size follows from the resolution.
func TestSizesHalveRoundingUp(t *testing.T) {
	for _, padding := range []string{Symmetric, Same} {
		for resolution := 1; resolution <= 300; resolution++ {
			c := variant(t, "paper")
			c.Padding, c.Resolution = padding, resolution
			size := resolution
			for _, l := range c.Layers() {
				if l.Convolution() {
					size = (size + l.Stride - 1) / l.Stride
				} else {
					size = 1
				}
				if l.OutSize != size {
					t.Fatalf("%s padding, resolution %d, %s: size %d, want %d", padding, resolution, l.Name, l.OutSize, size)
				}
			}
		}
	}
}

// Channels and sizes of one layer are those of the next one's input.
func TestLayersFitTogether(t *testing.T) {
	layers := variant(t, "article").Layers()
	for i := 1; i < len(layers); i++ {
		if layers[i].In != layers[i-1].Out || layers[i].InSize != layers[i-1].OutSize {
			t.Errorf("%s gives %d channels of side %d, %s takes %d of %d", layers[i-1].Name, layers[i-1].Out, layers[i-1].OutSize,
				layers[i].Name, layers[i].In, layers[i].InSize)
		}
	}
}

// timm's modules of mobilenetv1_100, in the order of its state dict.
func TestNamesAreTimms(t *testing.T) {
	var want []string
	want = append(want, "conv_stem", "bn1")
	for stage, blocks := range []string{"0", "01", "01", "012345", "01"} {
		for _, block := range blocks {
			prefix := "blocks." + string(rune('0'+stage)) + "." + string(block) + "."
			want = append(want, prefix+"conv_dw", prefix+"bn1", prefix+"conv_pw", prefix+"bn2")
		}
	}
	want = append(want, "global_pool", "classifier")
	var got []string
	for _, l := range variant(t, "paper").Layers() {
		got = append(got, l.Name)
		if l.Norm != "" {
			got = append(got, l.Norm)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}
