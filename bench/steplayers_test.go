package bench

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/models"
)

// graphOf is the configured network's graph.
func graphOf(t *testing.T, c config.Config) *models.Graph {
	t.Helper()
	g, err := c.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// passKeys are the fields of a layer's pass in JSON.
var passKeys = []string{"ms", "share", "flop", "bytes", "gflop_s", "gb_s", "memory_floor_ms", "arithmetic_floor_ms"}

// TestStepRows: the table has the network's layers in order, with the summary's products.
func TestStepRows(t *testing.T) {
	c := config.Default()
	c.Model.Classes = 10
	g := graphOf(t, c)
	rows := stepRows(g, 4, autograd.BFloat16)
	var flop int64
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
		if r.Forward != nil {
			flop += r.Forward.FLOP
		}
	}
	if want := 2 * 4 * g.Summary().MultiplyAdds; flop != want {
		t.Errorf("%d operations forward, want %d", flop, want)
	}
	if len(rows) != 35 || names[3] != "conv_stem" || names[29] != "blocks.4.1.conv_pw" || names[30] != "global_pool" {
		t.Errorf("%d rows: %q", len(rows), names)
	}
}

// TestPhaseSeconds: every second of a step is in one cell, and those of the backbone's layers are
// in theirs.
func TestPhaseSeconds(t *testing.T) {
	rows := stepRows(graphOf(t, config.Default()), 1, autograd.Float32)
	times := func(whole, pack, image, pool float64) autograd.PassTimes {
		t := autograd.PassTimes{Whole: whole, Pack: pack, Image: image, Pool: pool}
		for i := range 27 {
			t.Layers = append(t.Layers, float64(i+1)/1024)
		}
		return t
	}
	p := phases{batch: time.Second, forward: 4 * time.Second, backward: 6 * time.Second, update: time.Second / 2,
		whole: 12 * time.Second}
	cells, err := p.seconds(rows, times(3, 0.25, 0.125, 0.5), times(5, 0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	layers := float64(27*28/2) / 1024
	want := []float64{1, 0.25, 0.125}
	for i := range 27 {
		want = append(want, float64(i+1)/1024, float64(i+1)/1024)
	}
	want = append(want, 0.5, 1, 3-0.875-layers, 5-1-layers, 4-3, 6-5, 0.5, 0.5)
	if !slices.Equal(cells, want) {
		t.Errorf("cells %v, want %v", cells, want)
	}
	sum := 0.0
	for _, c := range cells {
		sum += c
	}
	if math.Abs(sum-12) > 1e-12 {
		t.Errorf("the cells sum to %v s of 12", sum)
	}
	if _, err := p.seconds(rows, autograd.PassTimes{}, autograd.PassTimes{}); err == nil {
		t.Error("no error without times of layers")
	}
}

// TestFillLayers: speeds and floors of a pointwise layer, a depthwise layer and the head, by hand.
func TestFillLayers(t *testing.T) {
	pass := func(flop, bytes int64) *PassSpeed { return &PassSpeed{FLOP: flop, Bytes: bytes} }
	r := LayerTable{Peaks: Peaks{GFLOPS: 1000, FloatGFLOPS: 500, GBS: 50}, Layers: []LayerSpeed{
		{Kind: pointwiseRow, Forward: pass(4e9, 1e8), Backward: pass(8e9, 2e8)},
		{Kind: depthwiseRow, Forward: pass(1e8, 5e7)},
		{Kind: headRow, Forward: pass(1e8, 0)}}}
	r.fill([]float64{0.008, 0.010, 0.002, 0.001, 0.040})
	l := r.Layers
	for _, c := range []struct {
		name      string
		got, want PassSpeed
	}{
		{"pointwise forward", *l[0].Forward, PassSpeed{MS: 8, Share: 0.2, FLOP: 4e9, Bytes: 1e8, GFLOPS: 500, GBS: 12.5,
			MemoryFloorMS: 2, ArithmeticFloorMS: 4}},
		{"pointwise backward", *l[0].Backward, PassSpeed{MS: 10, Share: 0.25, FLOP: 8e9, Bytes: 2e8, GFLOPS: 800, GBS: 20,
			MemoryFloorMS: 4, ArithmeticFloorMS: 8}},
		{"depthwise", *l[1].Forward, PassSpeed{MS: 2, Share: 0.05, FLOP: 1e8, Bytes: 5e7, GFLOPS: 50, GBS: 25,
			MemoryFloorMS: 1, ArithmeticFloorMS: 0.2}},
		{"head", *l[2].Forward, PassSpeed{MS: 1, Share: 0.025, FLOP: 1e8, GFLOPS: 100}},
	} {
		for name, v := range map[string][2]float64{"ms": {c.got.MS, c.want.MS}, "share": {c.got.Share, c.want.Share},
			"GFLOP/s": {c.got.GFLOPS, c.want.GFLOPS},
			"GB/s":    {c.got.GBS, c.want.GBS}, "memory floor": {c.got.MemoryFloorMS, c.want.MemoryFloorMS},
			"arithmetic floor": {c.got.ArithmeticFloorMS, c.want.ArithmeticFloorMS}} {
			if math.Abs(v[0]-v[1]) > 1e-9*v[1] {
				t.Errorf("%s: %s is %v, want %v", c.name, name, v[0], v[1])
			}
		}
	}
	if sum := r.floors(); math.Abs(sum-(4+8+1)) > 1e-9 {
		t.Errorf("floors sum to %v ms, want 13", sum)
	}
}

// TestStepLayers: a small step's table in its JSON form, with a time in every layer; and an error
// without the fused kernels.
func TestStepLayers(t *testing.T) {
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.BatchSize, c.Precision, c.Backend = 0.25, 32, 4, "fp32", "fused"
	r, err := StepLayers(t.Context(), c, Steps{Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var shape struct {
		Speed  float64 `json:"train_img_s"`
		Fused  int     `json:"fused_layers"`
		Peaks  map[string]float64
		Layers []struct {
			Name, Kind        string
			Forward, Backward map[string]float64
		}
	}
	if err := json.Unmarshal(text, &shape); err != nil {
		t.Fatal(err)
	}
	if !(shape.Speed > 0) || shape.Fused != 2*27 || len(shape.Peaks) != 5 || len(shape.Layers) != 35 {
		t.Errorf("%s", text)
	}
	for _, l := range shape.Layers {
		if l.Kind != "conv" && l.Kind != "depthwise" && l.Kind != "pointwise" {
			continue
		}
		for _, pass := range []map[string]float64{l.Forward, l.Backward} {
			for _, key := range passKeys {
				if !(pass[key] > 0) {
					t.Errorf("%s: %s is %v", l.Name, key, pass[key])
				}
			}
		}
	}
	c.Backend = "torch"
	_, err = StepLayers(t.Context(), c, Steps{Count: 1})
	if err == nil || !strings.Contains(err.Error(), "use --backend fused") {
		t.Errorf("a table without the fused kernels: %v", err)
	}
}
