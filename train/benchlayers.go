package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/models/mobilenet"
)

// LayersSpeed is what BenchLayers measures.
type LayersSpeed struct {
	StepSpeed
	Processor string       `json:"processor"`
	Peaks     Peaks        `json:"peaks"`
	FloorMS   float64      `json:"floor_ms"` // the sum over layers and passes of the higher of their two floors
	Layers    []LayerSpeed `json:"layers"`
}

// Peaks is the best that this processor did with the fused kernels' instruction set and as many threads, measured before
// and after the steps: others may use it and its memory as well.
type Peaks struct {
	GFLOPS      float64 `json:"gflop_s"`      // products in the step's precision: stem and pointwise layers
	FloatGFLOPS float64 `json:"fp32_gflop_s"` // products of floats: depthwise layers in any precision
	ReadGBS     float64 `json:"read_gb_s"`    // from memory
	AddGBS      float64 `json:"add_gb_s"`     // from and to memory, in a = b + c
	GBS         float64 `json:"gb_s"`         // the greater of them, which the floors are made of
}

// LayerSpeed is a row of the table: a layer, or a part of the step that is none. What comes before the backward pass is
// counted forward, what comes after it backward.
type LayerSpeed struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"` // conv, depthwise, pointwise, pool; pack, image, trunk, head, batch, update, rest
	Forward  *PassSpeed `json:"forward,omitempty"`
	Backward *PassSpeed `json:"backward,omitempty"`
}

// PassSpeed is one direction of a layer. Rows that are no layers have no products, and perhaps no bytes that anybody counts.
type PassSpeed struct {
	MS                float64 `json:"ms"`    // median over the steps
	Share             float64 `json:"share"` // of the median step
	FLOP              int64   `json:"flop,omitempty"`
	Bytes             int64   `json:"bytes,omitempty"` // that have to move once
	GFLOPS            float64 `json:"gflop_s,omitempty"`
	GBS               float64 `json:"gb_s,omitempty"`
	MemoryFloorMS     float64 `json:"memory_floor_ms,omitempty"`     // Bytes at the memory's peak
	ArithmeticFloorMS float64 `json:"arithmetic_floor_ms,omitempty"` // FLOP at the peak of their kind
}

// FloorMS is the higher of the two floors, 0 where there is none.
func (p PassSpeed) FloorMS() float64 { return max(p.MemoryFloorMS, p.ArithmeticFloorMS) }

// BenchLayers measures training steps as BenchStep does, and tells where their time goes. It needs the fused kernels.
func BenchLayers(ctx context.Context, c Config, steps BenchSteps) (LayersSpeed, error) {
	r := LayersSpeed{Processor: processor()}
	var held int64 // before the second measurement of the peaks adds its arrays
	speed, err := bench(ctx, c, func(s *autograd.Scope, b *benched) (time.Duration, error) {
		if b.kernels != mobilenet.Fused {
			return 0, fmt.Errorf("train: bench: --layers needs the fused kernels and has the %s ones: use --kernels fused on a CPU", b.kernels)
		}
		compute := b.Precision.Compute()
		before, err := autograd.MeasureTrunkPeaks(compute, b.Threads)
		if err != nil {
			return 0, err
		}
		step, err := b.step(s, c)
		if err != nil {
			return 0, err
		}
		r.Layers = layerRows(b.network.Config, c.BatchSize, compute)
		seconds, err := measureSteps(steps, r.Layers, step)
		if err != nil {
			return 0, err
		}
		held = peakRSS()
		after, err := autograd.MeasureTrunkPeaks(compute, b.Threads)
		if err != nil {
			return 0, err
		}
		r.Peaks = newPeaks(before.Best(after))
		r.fill(seconds)
		return time.Duration(seconds[len(seconds)-1] * float64(time.Second)), nil
	})
	speed.PeakRSSMB = held
	r.StepSpeed = StepSpeed{speed.imagesPerSecond(), speed}
	return r, err
}

func newPeaks(p autograd.TrunkPeaks) Peaks {
	const giga = 1e-9
	return Peaks{GFLOPS: 2 * giga * p.MultiplyAdds, FloatGFLOPS: 2 * giga * p.FloatMultiplyAdds, ReadGBS: giga * p.Read,
		AddGBS: giga * p.Add, GBS: giga * p.Bandwidth()}
}

// Kinds of rows that are no layers of the table.
const (
	packRow   = "pack"   // weights to the kernels' layout
	imageRow  = "image"  // images, normalised, to the stem's layout
	trunkRow  = "trunk"  // what the fused operation does around its kernels: memory, tensors
	headRow   = "head"   // dropout, classifier, loss
	batchRow  = "batch"  // waiting for the batch; of synthetic data there is one alone
	updateRow = "update" // the optimizer
	restRow   = "rest"   // freeing the step's tensors
)

// layerRows are the table without times, in the order of a forward pass.
func layerRows(c mobilenet.Config, images int, compute autograd.DType) []LayerSpeed {
	value := 4
	if compute == autograd.BFloat16 {
		value = 2
	}
	pass := func(cost mobilenet.Cost) *PassSpeed {
		return &PassSpeed{FLOP: 2 * cost.MultiplyAdds, Bytes: cost.Bytes}
	}
	rows := []LayerSpeed{
		{Name: "next batch", Kind: batchRow, Forward: &PassSpeed{}},
		{Name: "pack weights", Kind: packRow, Forward: pass(c.PackCost(value))},
		{Name: "lay out images", Kind: imageRow, Forward: pass(c.ImageCost(images, value))},
	}
	for _, l := range c.Layers() {
		forward, backward := l.Costs(images, value)
		row := LayerSpeed{Name: l.Name, Kind: string(l.Kind), Forward: pass(forward), Backward: pass(backward)}
		if l.Kind == mobilenet.Linear {
			rows = append(rows, LayerSpeed{Name: "around the trunk", Kind: trunkRow, Forward: &PassSpeed{}, Backward: &PassSpeed{}})
			row.Name, row.Kind = l.Name+" and loss", headRow
		}
		rows = append(rows, row)
	}
	return append(rows, LayerSpeed{Name: "update", Kind: updateRow, Backward: &PassSpeed{}},
		LayerSpeed{Name: "the rest", Kind: restRow, Backward: &PassSpeed{}})
}

// passes are the row's directions, as many as it has.
func (l LayerSpeed) passes() []*PassSpeed {
	return slices.DeleteFunc([]*PassSpeed{l.Forward, l.Backward}, func(p *PassSpeed) bool { return p == nil })
}

// seconds are the times of one step in the order of the rows and their passes.
func (p phases) seconds(rows []LayerSpeed, forward, backward autograd.TrunkTimes) ([]float64, error) {
	var all []float64
	layer, counted := 0, 0.0
	around := func(t autograd.TrunkTimes) float64 {
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
		case string(mobilenet.Pool):
			row = []float64{forward.Pool, backward.Pool}
		case trunkRow:
			row = []float64{around(forward), around(backward)}
		case headRow:
			row = []float64{p.forward.Seconds() - forward.Whole, p.backward.Seconds() - backward.Whole}
		case updateRow:
			row = []float64{p.update.Seconds()}
		case restRow:
			row = []float64{p.whole.Seconds() - counted}
		default:
			if layer >= min(len(forward.Layers), len(backward.Layers)) {
				return nil, fmt.Errorf("train: bench: the fused kernels timed %d and %d layers, fewer than the network has",
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

// measureSteps runs the steps, and returns the medians of the rows' passes in order and of the step, in seconds.
func measureSteps(steps BenchSteps, rows []LayerSpeed, step func() (phases, error)) ([]float64, error) {
	var samples [][]float64 // a step each
	for i := range steps.Warmup + steps.Count {
		p, err := step()
		if err != nil {
			return nil, err
		}
		forward, backward := autograd.LastTrunkTimes()
		cells, err := p.seconds(rows, forward, backward)
		if err != nil {
			return nil, err
		}
		if i >= steps.Warmup {
			samples = append(samples, append(cells, p.whole.Seconds()))
		}
	}
	if samples == nil {
		return nil, errors.New("train: bench: nothing to measure: Count is 0")
	}
	return medians(samples), nil
}

// medians are those of each cell over the samples.
func medians(samples [][]float64) []float64 {
	middle := make([]float64, len(samples[0]))
	for i := range middle {
		var column []float64
		for _, s := range samples {
			column = append(column, s[i])
		}
		slices.Sort(column)
		middle[i] = column[len(column)/2]
	}
	return middle
}

// fill puts the times into the rows: those of their passes in order, then the step's.
func (r *LayersSpeed) fill(seconds []float64) {
	whole := seconds[len(seconds)-1]
	next := 0
	for _, l := range r.Layers {
		peak := r.Peaks.GFLOPS
		if l.Kind == string(mobilenet.Depthwise) {
			peak = r.Peaks.FloatGFLOPS
		}
		for _, p := range l.passes() {
			p.fill(seconds[next], whole, r.Peaks.GBS, peak)
			r.FloorMS += p.FloorMS()
			next++
		}
	}
}

// fill derives everything from the seconds of the pass and of the step, and the peaks in GB/s and GFLOP/s.
func (p *PassSpeed) fill(seconds, step, bandwidth, peak float64) {
	p.MS, p.Share = 1000*seconds, seconds/step
	if seconds > 0 {
		p.GFLOPS, p.GBS = 1e-9*float64(p.FLOP)/seconds, 1e-9*float64(p.Bytes)/seconds
	}
	p.MemoryFloorMS = 1e-6 * float64(p.Bytes) / bandwidth
	if p.Bytes > 0 { // the head is libtorch's, and held to no floor
		p.ArithmeticFloorMS = 1e-6 * float64(p.FLOP) / peak
	}
}
