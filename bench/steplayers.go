package bench

import (
	"context"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/models"
)

// StepLayersSpeed is the result of StepLayers.
type StepLayersSpeed struct {
	StepSpeed
	LayerTable
}

// StepLayers measures training steps as Step does, with the time of each layer. It needs the fused
// kernels.
func StepLayers(ctx context.Context, c config.Config, steps Steps) (StepLayersSpeed, error) {
	measure := func(s *autograd.Scope, b *benchmark, t *LayerTable) ([]float64, Timing, error) {
		step, err := b.step(s, c)
		if err != nil {
			return nil, Timing{}, err
		}
		t.Layers = stepRows(b.network.Graph, c.BatchSize, b.Precision.Compute())
		b.network.Times = new(autograd.BackboneTimes)
		return steps.medians(func() ([]float64, error) { return stepSeconds(t.Layers, step, b.network.Times) })
	}
	table, speed, err := runTable(ctx, c, trainingFits, measure)
	table.FloorMS = table.floors()
	return StepLayersSpeed{StepSpeed{speed.imagesPerSecond(), speed}, table}, err
}

// Kinds of rows that are layers.
const (
	convRow      = "conv"
	depthwiseRow = "depthwise"
	pointwiseRow = "pointwise"
	poolRow      = "pool"
)

// rowKind returns the kind of a layer's row.
func rowKind(l models.Layer) string {
	if l.Kind == models.KindGlobalAvgPool {
		return poolRow
	}
	return l.Type()
}

// Kinds of rows other than layers.
const (
	packRow     = "pack"     // conversion of the weights to the layout of the kernels
	imageRow    = "image"    // normalization and conversion of the images to the layout of the stem
	backboneRow = "backbone" // the fused operation without its kernels: memory, tensors
	headRow     = "head"     // dropout, classifier, loss
	batchRow    = "batch"    // waiting for the next batch; with synthetic data there is only one
	updateRow   = "update"   // the optimizer
	restRow     = "rest"     // freeing the step's tensors
)

// stepRows returns the table of a training step without times, in the order of a forward pass.
func stepRows(g *models.Graph, images int, compute autograd.DType) []LayerSpeed {
	value := storedBytes(compute)
	rows := []LayerSpeed{
		{Name: "next batch", Kind: batchRow, Forward: &PassSpeed{}},
		{Name: "pack weights", Kind: packRow, Forward: costed(backend.PackCost(g, value))},
		{Name: "lay out images", Kind: imageRow, Forward: costed(backend.ImageCost(g, images, value))},
	}
	for _, l := range g.Layers {
		if l.Kind == models.KindDropout { // in the head's time
			continue
		}
		forward, backward := backend.TrainingCost(l, images, value)
		row := LayerSpeed{Name: l.Name, Kind: rowKind(l), Forward: costed(forward), Backward: costed(backward)}
		if l.Kind == models.KindLinear {
			around := LayerSpeed{Name: "around the backbone", Kind: backboneRow, Forward: &PassSpeed{}, Backward: &PassSpeed{}}
			rows = append(rows, around)
			row.Name, row.Kind = l.Name+" and loss", headRow
		}
		rows = append(rows, row)
	}
	return append(rows, LayerSpeed{Name: "update", Kind: updateRow, Backward: &PassSpeed{}},
		LayerSpeed{Name: "the rest", Kind: restRow, Backward: &PassSpeed{}})
}

// seconds returns the times of one step in the order of the rows and their passes.
func (p phases) seconds(rows []LayerSpeed, forward, backward autograd.PassTimes) ([]float64, error) {
	var all []float64
	layer, counted := 0, 0.0
	around := func(t autograd.PassTimes) float64 {
		rest := t.Whole - t.Pack - t.Image - t.Pool
		for _, l := range t.Layers {
			rest -= l
		}
		return rest
	}
	for _, r := range rows {
		var row []float64
		switch r.Kind {
		case batchRow:
			row = []float64{p.batch.Seconds()}
		case packRow:
			row = []float64{forward.Pack}
		case imageRow:
			row = []float64{forward.Image}
		case poolRow:
			row = []float64{forward.Pool, backward.Pool}
		case backboneRow:
			row = []float64{around(forward), around(backward)}
		case headRow:
			row = []float64{p.forward.Seconds() - forward.Whole, p.backward.Seconds() - backward.Whole}
		case updateRow:
			row = []float64{p.update.Seconds()}
		case restRow:
			row = []float64{p.whole.Seconds() - counted}
		default:
			if layer >= min(len(forward.Layers), len(backward.Layers)) {
				return nil, fmt.Errorf("bench: the fused kernels timed %d and %d layers, fewer than the network has",
					len(forward.Layers), len(backward.Layers))
			}
			row = []float64{forward.Layers[layer], backward.Layers[layer]}
			layer++
		}
		for _, s := range row {
			counted += s
		}
		all = append(all, row...)
	}
	return all, nil
}

// stepSeconds runs a step and returns the seconds of the rows' passes in order, and of the step.
func stepSeconds(rows []LayerSpeed, step func() (phases, error), times *autograd.BackboneTimes) ([]float64, error) {
	p, err := step()
	if err != nil {
		return nil, err
	}
	cells, err := p.seconds(rows, times.Forward, times.Backward)
	return append(cells, p.whole.Seconds()), err
}

// floors returns the sum over all passes of the higher of their two floors.
func (t *LayerTable) floors() float64 {
	sum := 0.0
	for _, l := range t.Layers {
		for _, p := range l.passes() {
			sum += p.FloorMS()
		}
	}
	return sum
}
