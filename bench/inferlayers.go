package bench

import (
	"context"
	"fmt"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/models"
)

// InferLayersSpeed is the result of InferLayers.
type InferLayersSpeed struct {
	InferSpeed
	LayerTable
}

// InferLayers measures inference as Infer does, with the time of each layer: the sum over all
// threads, divided by their number. It needs the fused kernels.
func InferLayers(ctx context.Context, c config.Config, steps Steps) (InferLayersSpeed, error) {
	measure := func(s *autograd.Scope, b *benchmark, t *LayerTable) ([]float64, Timing, error) {
		call, err := b.inferCall(s, c)
		if err != nil {
			return nil, Timing{}, err
		}
		t.Layers = inferRows(b.network.Graph, c.BatchSize, b.Precision.Compute())
		return steps.medians(func() ([]float64, error) {
			times, err := call()
			if err != nil {
				return nil, err
			}
			cells, err := times.seconds(t.Layers)
			return append(cells, times.whole.Seconds()), err
		})
	}
	table, speed, err := runTable(ctx, c, inferenceFits, measure)
	table.FloorMS = table.tileFloors()
	return InferLayersSpeed{InferSpeed{speed.imagesPerSecond(), speed}, table}, err
}

// waitRow is the time that threads are idle.
const waitRow = "wait"

// inferRows returns the table of inference without times.
func inferRows(g *models.Graph, images int, compute autograd.DType) []LayerSpeed {
	var rows []LayerSpeed
	for _, l := range g.Layers {
		if l.Kind == models.KindDropout { // inference does not drop
			continue
		}
		cost := backend.InferenceCost(l, images, storedBytes(compute))
		row := LayerSpeed{Name: l.Name, Kind: rowKind(l), Forward: costed(cost)}
		if l.Kind == models.KindLinear {
			row.Kind = headRow
		}
		rows = append(rows, row)
	}
	return append(rows, LayerSpeed{Name: "threads waiting", Kind: waitRow, Forward: &PassSpeed{}},
		LayerSpeed{Name: "around the kernels", Kind: backboneRow, Forward: &PassSpeed{}},
		LayerSpeed{Name: "the rest", Kind: restRow, Forward: &PassSpeed{}})
}

// inferTimes are the times of one call: of its kernels, until the logits, and until the logits were
// read and all tensors freed.
type inferTimes struct {
	kernels       autograd.FoldedTimes
	logits, whole time.Duration
}

// inferCall prepares calls of inference: each runs one and returns its times.
func (b *benchmark) inferCall(s *autograd.Scope, c config.Config) (func() (inferTimes, error), error) {
	batch, err := b.batch()
	if err != nil {
		return nil, err
	}
	x := backend.Pixels(batch, c.Preprocess())
	inference, ok := b.Inference(s, b.network).(*backend.FusedInference)
	if !ok {
		return nil, b.errNotFused()
	}
	return func() (inferTimes, error) {
		var t inferTimes
		inference.Times = &t.kernels
		start := time.Now()
		err := s.Sub(func(s *autograd.Scope) error {
			logits := inference.ForwardPixels(s, x)
			t.logits = time.Since(start)
			s.Item(s.Sum(logits))
			return s.Err()
		})
		t.whole = time.Since(start)
		return t, err
	}, nil
}

// seconds returns the times of one call in the order of the rows.
func (t inferTimes) seconds(rows []LayerSpeed) ([]float64, error) {
	cells := make([]float64, 0, len(rows)+1)
	layer, counted := 0, 0.0
	for _, r := range rows {
		var seconds float64
		switch r.Kind {
		case poolRow:
			seconds = t.kernels.Pool
		case waitRow:
			seconds = t.kernels.Waiting
		case backboneRow:
			seconds = t.logits.Seconds() - counted
		case headRow:
			seconds = t.kernels.Head
		case restRow:
			seconds = (t.whole - t.logits).Seconds()
		default:
			if layer >= len(t.kernels.Layers) {
				return nil, fmt.Errorf("bench: the fused kernels timed %d layers, fewer than the network has",
					len(t.kernels.Layers))
			}
			seconds = t.kernels.Layers[layer]
			layer++
		}
		counted += seconds
		cells = append(cells, seconds)
	}
	return cells, nil
}

// tileFloors returns the sum of the higher of the two floors of each fused group: a block's two
// convolutions are fused, and one of them may compute while the other's input is loaded.
func (t *LayerTable) tileFloors() float64 {
	sum, memory, arithmetic := 0.0, 0.0, 0.0
	for _, l := range t.Layers {
		memory, arithmetic = memory+l.Forward.MemoryFloorMS, arithmetic+l.Forward.ArithmeticFloorMS
		if l.Kind != depthwiseRow {
			sum += max(memory, arithmetic)
			memory, arithmetic = 0, 0
		}
	}
	return sum
}
