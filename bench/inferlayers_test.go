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
)

// TestInferRows: the table has the network's layers in order, with the summary's products.
func TestInferRows(t *testing.T) {
	c := config.Default()
	c.Model.Classes = 10
	g := graphOf(t, c)
	rows := inferRows(g, 4, autograd.BFloat16)
	var flop int64
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
		flop += r.Forward.FLOP
		if r.Backward != nil {
			t.Errorf("%s has a backward pass", r.Name)
		}
	}
	if want := 2 * 4 * g.Summary().MultiplyAdds; flop != want {
		t.Errorf("%d operations, want %d", flop, want)
	}
	last := []string{"global_pool", "classifier", "threads waiting", "around the kernels", "the rest"}
	if len(names) != 32 || names[0] != "conv_stem" || names[26] != "blocks.4.1.conv_pw" || !slices.Equal(names[27:], last) {
		t.Errorf("%d rows: %q", len(rows), names)
	}
	// A block of 112x112 with 32 channels in and 64 out, in bfloat16: its input is read, its output
	// written, nothing between.
	if in, out := rows[1].Forward.Bytes, rows[2].Forward.Bytes; in != 4*112*112*32*2+9*32*4 || out != 4*112*112*64*2+32*64*2 {
		t.Errorf("the first block moves %d and %d bytes", in, out)
	}
}

// TestInferSeconds: every second of a call is in one row, and those of the kernels are in theirs.
func TestInferSeconds(t *testing.T) {
	rows := inferRows(graphOf(t, config.Default()), 1, autograd.Float32)
	kernels := autograd.FoldedTimes{Whole: 5, Waiting: 0.5, Pool: 0.25, Head: 1}
	times := inferTimes{kernels: kernels, logits: 6 * time.Second, whole: 8 * time.Second}
	var want []float64
	for i := range 27 {
		times.kernels.Layers = append(times.kernels.Layers, float64(i+1)/1024)
	}
	want = append(want, times.kernels.Layers...)
	want = append(want, 0.25, 1, 0.5, 6-1.75-float64(27*28/2)/1024, 2)
	cells, err := times.seconds(rows)
	if err != nil || !slices.Equal(cells, want) {
		t.Errorf("cells %v, want %v, %v", cells, want, err)
	}
	sum := 0.0
	for _, c := range cells {
		sum += c
	}
	if sum != 8 {
		t.Errorf("the rows sum to %v s of 8", sum)
	}
	times.kernels.Layers = nil
	if _, err := times.seconds(rows); err == nil {
		t.Error("no error without times of layers")
	}
}

// TestTileFloors: a block's two convolutions share their floors, others have their own.
func TestTileFloors(t *testing.T) {
	pass := func(memory, arithmetic float64) *PassSpeed {
		return &PassSpeed{MemoryFloorMS: memory, ArithmeticFloorMS: arithmetic}
	}
	table := LayerTable{Layers: []LayerSpeed{
		{Kind: convRow, Forward: pass(3, 2)},
		{Kind: depthwiseRow, Forward: pass(5, 1)}, {Kind: pointwiseRow, Forward: pass(1, 6)},
		{Kind: depthwiseRow, Forward: pass(5, 1)}, {Kind: pointwiseRow, Forward: pass(4, 3)},
		{Kind: poolRow, Forward: pass(1, 0)}, {Kind: waitRow, Forward: pass(0, 0)}}}
	if got, want := table.tileFloors(), 3+max(5+1, 1+6)+max(5+4, 1+3)+1.0; got != want {
		t.Errorf("floors sum to %v ms, want %v", got, want)
	}
}

// TestInferLayers: a small network's table in its JSON form, of many images and of one, whose rows
// add up; and an error without the fused kernels.
func TestInferLayers(t *testing.T) {
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.Precision, c.Backend = 0.25, 32, "fp32", "fused"
	for _, c.BatchSize = range []int{5, 1} {
		r, err := InferLayers(t.Context(), c, Steps{Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var shape struct {
			Speed  float64 `json:"infer_img_s"`
			MS     float64 `json:"step_ms"`
			Floor  float64 `json:"floor_ms"`
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
		if !(shape.Speed > 0 && shape.Floor > 0) || shape.Fused != 27 || len(shape.Peaks) != 5 || len(shape.Layers) != 32 {
			t.Errorf("%s", text)
		}
		sum, shares := 0.0, 0.0
		for _, l := range shape.Layers {
			sum, shares = sum+l.Forward["ms"], shares+l.Forward["share"]
			if l.Backward != nil {
				t.Errorf("%s has a backward pass", l.Name)
			}
			if l.Kind != "conv" && l.Kind != "depthwise" && l.Kind != "pointwise" && l.Kind != "head" {
				continue
			}
			for _, key := range passKeys {
				if !(l.Forward[key] > 0) {
					t.Errorf("%s: %s is %v", l.Name, key, l.Forward[key])
				}
			}
		}
		if math.Abs(sum-shape.MS) > 1e-5*shape.MS || math.Abs(shares-1) > 1e-5 { // the whole is rounded to nanoseconds
			t.Errorf("batch of %d: rows sum to %v ms and %v of %v ms", c.BatchSize, sum, shares, shape.MS)
		}
	}
	c.Backend = "torch"
	_, err := InferLayers(t.Context(), c, Steps{Count: 1})
	if err == nil || !strings.Contains(err.Error(), "use --backend fused") {
		t.Errorf("a table without the fused kernels: %v", err)
	}
}
