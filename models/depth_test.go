package models_test

import (
	"reflect"
	"testing"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

func TestDepthsOfMobileNets(t *testing.T) {
	for _, tc := range []struct {
		arch, variant              string
		blocks, head               int
		stem, first, last, atStart []string // layers at depth 0, 1, blocks and blocks+1
	}{
		{"mobilenet_v1", "paper", 13, 1, []string{"conv_stem"}, []string{"blocks.0.0.conv_dw", "blocks.0.0.conv_pw"},
			[]string{"blocks.4.1.conv_dw", "blocks.4.1.conv_pw"}, []string{"global_pool", "classifier"}},
		{"mobilenet_v1", "keras", 13, 2, []string{"conv_stem"}, []string{"blocks.0.0.conv_dw", "blocks.0.0.conv_pw"},
			[]string{"blocks.4.1.conv_dw", "blocks.4.1.conv_pw"}, []string{"global_pool", "dropout", "classifier"}},
		{"mobilenet_v2", "torchvision", 17, 2, []string{"conv_stem"}, []string{"blocks.0.0.conv_dw", "blocks.0.0.conv_pw"},
			[]string{"blocks.6.0.conv_pw", "blocks.6.0.conv_dw", "blocks.6.0.conv_pwl"}, []string{"conv_head", "global_pool", "dropout", "classifier"}},
	} {
		t.Run(tc.arch+" "+tc.variant, func(t *testing.T) {
			c, err := mobilenet.Default(tc.arch, tc.variant)
			if err != nil {
				t.Fatal(err)
			}
			g, err := c.Graph()
			if err != nil {
				t.Fatal(err)
			}
			depths, blocks := g.Depths()
			if blocks != tc.blocks || g.HeadLayers() != tc.head {
				t.Errorf("%d blocks and a head of %d layers, want %d and %d", blocks, g.HeadLayers(), tc.blocks, tc.head)
			}
			at := map[int][]string{}
			for i, l := range g.Layers {
				at[depths[i]] = append(at[depths[i]], l.Name)
			}
			for depth, want := range map[int][]string{0: tc.stem, 1: tc.first, blocks: tc.last, blocks + 1: tc.atStart} {
				if !reflect.DeepEqual(at[depth], want) {
					t.Errorf("depth %d: layers %q, want %q", depth, at[depth], want)
				}
			}
		})
	}
}

func TestHeadOfGraphs(t *testing.T) {
	image := func() *models.Node { return models.Input(models.Shape{Channels: 3, Height: 8, Width: 8}) }
	for _, tc := range []struct {
		name string
		last *models.Node
		head int

		features int // 0: an error
	}{
		{"pool and linear", image().GlobalAvgPool().Linear(models.Linear{Out: 4}), 1, 3},
		{"flatten and linear", image().Conv(models.Conv{Out: 2, Kernel: 3}).Flatten().Linear(models.Linear{Out: 4}), 2, 2 * 8 * 8},
		{"pool, dropout, linear", image().GlobalAvgPool().Dropout(0.5).Linear(models.Linear{Out: 4}), 2, 3},
		{"linear of the image", image().Flatten().Linear(models.Linear{Out: 4}), 0, 0},
		{"a pool at the end", image().Conv(models.Conv{Out: 4, Kernel: 3}).GlobalAvgPool(), 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := models.Build("test", tc.last)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.HeadLayers(); got != tc.head {
				t.Errorf("%d layers, want %d: %v", got, tc.head, g.Layers)
			}
			if got, err := g.FeatureValues(); got != tc.features || (err != nil) != (tc.features == 0) {
				t.Errorf("%d features, %v; want %d", got, err, tc.features)
			}
			if depths, blocks := g.Depths(); blocks != 0 || depths[0] != 0 {
				t.Errorf("depths %v, %d blocks", depths, blocks)
			}
		})
	}
}
