package backend

import (
	"testing"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// TestCosts: a network of width 0.5 at 32x32 with two images, counted by hand in bfloat16: conv_stem makes 16x16x16 of
// 33x33x3 padded pixels, blocks.0.0 keeps them and makes 32 channels of them, blocks.1.0.conv_dw halves the sides.
func TestCosts(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.5, 32, 10
	image, stem, wide, half := int64(2*33*33*3*2), int64(2*16*16*16*2), int64(2*16*16*32*2), int64(2*8*8*32*2)
	want := map[string][2]Cost{
		"conv_stem": {{MultiplyAdds: 2 * 16 * 16 * 16 * 27, Bytes: image + 16*27*2 + stem},
			{MultiplyAdds: 2 * 16 * 16 * 16 * 27, Bytes: image + 2*stem + 16*27*4}},
		"blocks.0.0.conv_dw": {{MultiplyAdds: 2 * 16 * 16 * 16 * 9, Bytes: 2*stem + 16*9*4},
			{MultiplyAdds: 4 * 16 * 16 * 16 * 9, Bytes: 4*stem + 2*16*9*4}},
		"blocks.0.0.conv_pw": {{MultiplyAdds: 2 * 16 * 16 * 16 * 32, Bytes: stem + wide + 16*32*2},
			{MultiplyAdds: 4 * 16 * 16 * 16 * 32, Bytes: 2*stem + 2*wide + 16*32*6}},
		"blocks.1.0.conv_dw": {{MultiplyAdds: 2 * 8 * 8 * 32 * 9, Bytes: wide + half + 32*9*4},
			{MultiplyAdds: 4 * 8 * 8 * 32 * 9, Bytes: 2*wide + 2*half + 2*32*9*4}},
		"global_pool": {{Bytes: 2*512*2 + 2*512*4}, {Bytes: 2*2*512*2 + 2*512*4}},
		"classifier":  {{MultiplyAdds: 2 * 512 * 10}, {MultiplyAdds: 4 * 512 * 10}},
	}
	seen := 0
	for _, l := range graph(t, c).Layers {
		w, ok := want[l.Name]
		if !ok {
			continue
		}
		seen++
		if forward, backward := TrainingCost(l, 2, 2); forward != w[0] || backward != w[1] {
			t.Errorf("%s: %+v and %+v, want %+v", l.Name, forward, backward, w)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d layers", seen, len(want))
	}
	if got, want := ImageCost(graph(t, c), 2, 2), (Cost{Bytes: 2*32*32*3 + image}); got != want {
		t.Errorf("images: %+v, want %+v", got, want)
	}
}

// TestInferenceCosts: the same network's inference: pixels are read, the depthwise layers' outputs are not in memory.
func TestInferenceCosts(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution, c.Classes = 0.5, 32, 10
	stem, wide, half := int64(2*16*16*16*2), int64(2*16*16*32*2), int64(2*8*8*64*2)
	want := map[string]Cost{
		"conv_stem":          {MultiplyAdds: 2 * 16 * 16 * 16 * 27, Bytes: 2*32*32*3 + 16*27*2 + stem},
		"blocks.0.0.conv_dw": {MultiplyAdds: 2 * 16 * 16 * 16 * 9, Bytes: stem + 16*9*4},
		"blocks.0.0.conv_pw": {MultiplyAdds: 2 * 16 * 16 * 16 * 32, Bytes: 16*32*2 + wide},
		"blocks.1.0.conv_dw": {MultiplyAdds: 2 * 8 * 8 * 32 * 9, Bytes: wide + 32*9*4},
		"blocks.1.0.conv_pw": {MultiplyAdds: 2 * 8 * 8 * 32 * 64, Bytes: 32*64*2 + half},
		"global_pool":        {Bytes: 2*512*2 + 2*512*4},
		"classifier":         {MultiplyAdds: 2 * 512 * 10, Bytes: (2*512 + 512*10 + 2*10) * 4},
	}
	seen, adds := 0, int64(0)
	for _, l := range graph(t, c).Layers {
		got := InferenceCost(l, 2, 2)
		adds += got.MultiplyAdds
		w, ok := want[l.Name]
		if !ok {
			continue
		}
		seen++
		if got != w {
			t.Errorf("%s: %+v, want %+v", l.Name, got, w)
		}
	}
	if want := 2 * graph(t, c).Summary().MultiplyAdds; seen != 7 || adds != want {
		t.Errorf("%d of 7 layers, %d multiply-adds, want %d", seen, adds, want)
	}
	c.Width = 0.25 // 8 channels after the stem, stored as 16
	if got, want := InferenceCost(graph(t, c).Layers[0], 1, 4).Bytes, int64(32*32*3+8*27*4+16*16*16*4); got != want {
		t.Errorf("a stem of 8 channels: %d bytes, want %d", got, want)
	}
}

// TestCostsPadded: channels that are no multiple of 16 are stored with padding, and take its bytes but not its products.
func TestCostsPadded(t *testing.T) {
	c := config(t, "mobilenet_v1", "paper")
	c.Width, c.Resolution = 0.25, 32 // 8 channels after the stem
	for _, l := range graph(t, c).Layers[:1] {
		forward, backward := TrainingCost(l, 1, 4)
		image, out := int64(33*33*3*4), int64(16*16*16*4)
		if forward.Bytes != image+8*27*4+out || backward.Bytes != image+2*out+8*27*4 || forward.MultiplyAdds != 16*16*8*27 {
			t.Errorf("%s: %+v and %+v", l.Name, forward, backward)
		}
	}
}

// TestCostsAddUp: all layers have the multiply-adds that the summary prints, and packing reads the weights that
// it counts.
func TestCostsAddUp(t *testing.T) {
	for _, name := range mobilenet.Variants("mobilenet_v1") {
		c := config(t, "mobilenet_v1", name)
		var adds, back, stem int64
		for _, l := range graph(t, c).Layers {
			forward, backward := TrainingCost(l, 3, 2)
			adds, back = adds+forward.MultiplyAdds, back+backward.MultiplyAdds
			if l.Type() == "conv" {
				stem = forward.MultiplyAdds
			}
		}
		want := 3 * graph(t, c).Summary().MultiplyAdds
		if adds != want || back != 2*want-stem {
			t.Errorf("%s: %d and %d multiply-adds, want %d and %d", name, adds, back, want, 2*want-stem)
		}
	}
	c := config(t, "mobilenet_v1", "paper")
	const head, norms, depthwise, stem = 1024*1000 + 1000, 2 * 10944, 9 * 4960, 864
	pointwise := graph(t, c).Summary().Trainable - head - norms - depthwise - stem
	if got, want := PackCost(graph(t, c), 2).Bytes, pointwise*8+depthwise*8+stem*6; got != want {
		t.Errorf("packing moves %d bytes, want %d", got, want)
	}
}

// TestCostsOfOtherGraphs: layers that the kernels do not have move no bytes that are counted.
func TestCostsOfOtherGraphs(t *testing.T) {
	g := build(t, func(x *models.Node) *models.Node { return head(x.MaxPool(models.Pool{Kernel: 2})) })
	if got := ImageCost(g, 2, 2); got != (Cost{}) {
		t.Errorf("images: %+v", got)
	}
	if got := PackCost(g, 2); got != (Cost{}) {
		t.Errorf("packing: %+v", got)
	}
	forward, backward := TrainingCost(g.Layers[0], 2, 2)
	if forward != (Cost{}) || backward != (Cost{}) || InferenceCost(g.Layers[0], 2, 2) != (Cost{}) {
		t.Errorf("a max pool: %+v, %+v", forward, backward)
	}
}
