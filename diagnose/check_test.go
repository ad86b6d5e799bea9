package diagnose

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/config"
	"depthwise.dev/internal/testset"
	"depthwise.dev/models/mobilenet"
)

// tinyCheck is the quickest network there is: 8 channels in every layer.
func tinyCheck(t *testing.T, variant string) config.Config {
	t.Helper()
	c, err := config.Sources{Variant: variant}.Config()
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Width, c.Model.Resolution = 0.005, 32
	c.Threads = 1 // two wait for each other on a busy machine
	return c
}

func TestCheck(t *testing.T) {
	dir := testset.Images(t, 6, 0)
	for _, tc := range []struct {
		name, data, variant string
		classes, images     int
		wantClasses         int
		wantImages          int
	}{
		{"noise", "", "paper", 5, -1, 5, 16}, // one position at the end: 16 values need 16 images
		{"a few images", dir, "article", 0, 4, 3, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tinyCheck(t, tc.variant)
			c.Data, c.Model.Classes = tc.data, tc.classes
			before := autograd.LiveTensors()
			last, total := int64(-1), int64(0)
			r, err := Check(context.Background(), c, tc.images, func(done, of int64) {
				if done != last+1 {
					t.Errorf("progress goes from %d to %d", last, done)
				}
				last, total = done, of
			})
			if err != nil || !r.OK {
				t.Fatalf("%v: %v", err, r.Failures)
			}
			if r.Images != tc.wantImages || r.Model.Classes != tc.wantClasses {
				t.Errorf("%d images, %d classes", r.Images, r.Model.Classes)
			}
			if len(r.Layers) != 30 || len(r.Networks) != 2 || last != total {
				t.Errorf("%d layers, %d networks, progress %d of %d", len(r.Layers), len(r.Networks), last, total)
			}
			if leaked := autograd.LiveTensors() - before; leaked != 0 {
				t.Errorf("%d native tensors leaked", leaked)
			}
			text, err := json.Marshal(r)
			if err != nil || !strings.Contains(string(text), `"layers":[{"name":"conv_stem"`) {
				t.Errorf("%v: %.200s", err, text)
			}
		})
	}
}

// smallV2 is MobileNet v2 with few channels, but for its last convolution's 1280.
func smallV2(t *testing.T) mobilenet.Config {
	t.Helper()
	m, err := mobilenet.Default("mobilenet_v2", "")
	if err != nil {
		t.Fatal(err)
	}
	m.Width, m.Resolution, m.Classes = 0.1, 32, 4
	return m
}

// TestCheckV2: residual connections have rows of their own, and the fused kernels, which do not
// compute them, are marked so.
func TestCheckV2(t *testing.T) {
	c := tinyCheck(t, "paper")
	c.Model = smallV2(t)
	r, err := Check(t.Context(), c, -1, nil)
	if err != nil || !r.OK {
		t.Fatalf("%v: %v", err, r.Failures)
	}
	if r.Model.Arch != "mobilenet_v2" || !strings.Contains(r.Network, "mobilenet_v2 torchvision") || len(r.Networks) != 2 {
		t.Errorf("%s, %+v, %d networks", r.Network, r.Model, len(r.Networks))
	}
	fused := 0
	for _, row := range r.Networks {
		for _, cell := range row.Cells {
			if !strings.HasPrefix(cell.Engine, "fused") {
				continue
			}
			fused++
			reason := strings.HasPrefix(cell.Left, "not computed: layer ") && strings.Contains(cell.Left, "the fused kernels")
			if !reason || cell.Failed {
				t.Errorf("%s: %+v", row.Name, cell)
			}
		}
	}
	if fused != 4 { // fp32 and bf16, in training and in evaluation
		t.Errorf("%d cells of the fused kernels", fused)
	}
	adds := 0
	for _, row := range r.Layers {
		compared := slices.ContainsFunc(row.Cells, func(cell suite.Cell) bool { return cell.Value != "" })
		if !compared {
			t.Errorf("%s: no engine was compared", row.Name)
		}
		if strings.HasSuffix(row.Name, ".add") {
			adds++
		}
	}
	if adds != 11 { // at this width the first block has one too: 8 channels in and out
		t.Errorf("%d residual connections, want 11", adds)
	}
}

// An engine that is wrong in one layer fails the check, and the report names layer, engine and value.
func TestCheckFindsAWrongEngine(t *testing.T) {
	engines := suite.Engines
	defer func() { suite.Engines = engines }()
	wrong := func(ctx context.Context, c suite.Case) (suite.Result, error) {
		r, err := suite.Reference.Case(ctx, c)
		if c.Name == "blocks.2.0.conv_dw, convolution" {
			for i := range r[2].Data { // output, gradient of x, gradient of the weight
				r[2].Data[i] *= 1.01
			}
		}
		return r, err
	}
	suite.Engines = []suite.Engine{{Name: "planted", Tolerance: 1e-3, Case: wrong}}
	r, err := Check(context.Background(), tinyCheck(t, "paper"), -1, nil)
	if !errors.Is(err, ErrTolerance) || r.OK || len(r.Failures) != 1 {
		t.Fatalf("%v: %v", err, r.Failures)
	}
	for _, want := range []string{"blocks.2.0.conv_dw, planted", "gradient of blocks.2.0.conv_dw.weight differs by 0.01"} {
		if !strings.Contains(r.Failures[0], want) {
			t.Errorf("%q lacks %q", r.Failures[0], want)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		images     int
		spoil      func(*config.Config)
	}{
		{"one image", "batch_size 1: must be at least 2", 1, func(*config.Config) {}},
		{"no network", "width", -1, func(c *config.Config) { c.Model.Width = -1 }},
		{"more than memory holds", "million values between the layers", 100, func(c *config.Config) { c.Model.Width, c.Model.Resolution = 1, 224 }},
		{"no data", "nowhere", -1, func(c *config.Config) { c.Data = "nowhere" }},
		{"more images than there are", "less than a batch of 99", 99, func(c *config.Config) { c.Data = testset.Images(t, 1, 0) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := tinyCheck(t, "paper")
			tc.spoil(&c)
			if _, err := Check(context.Background(), c, tc.images, nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, tinyCheck(t, "paper"), -1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
