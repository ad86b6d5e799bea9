package train

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"depthwise.dev/autograd"
	"depthwise.dev/internal/host"
	"depthwise.dev/models/mobilenet"
)

// LayerTable tells where time goes, beside the best that this processor can do.
type LayerTable struct {
	Processor string       `json:"processor"`
	Peaks     Peaks        `json:"peaks"`
	FloorMS   float64      `json:"floor_ms"` // the sum of the higher of the two floors of what is computed as one
	Layers    []LayerSpeed `json:"layers"`
}

// Peaks is the best that this processor did with the fused kernels' instruction set and as many threads, measured before
// and after: others may use it and its memory as well.
type Peaks struct {
	GFLOPS      float64 `json:"gflop_s"`      // products in the precision of computation: stem and pointwise layers
	FloatGFLOPS float64 `json:"fp32_gflop_s"` // products of floats: depthwise layers and head in any precision
	ReadGBS     float64 `json:"read_gb_s"`    // from memory
	AddGBS      float64 `json:"add_gb_s"`     // from and to memory, in a = b + c
	GBS         float64 `json:"gb_s"`         // the greater of them, which the floors are made of
}

// LayerSpeed is a row of the table: a layer, or a part of the step or call that is none. What comes before the backward pass is
// counted forward, what comes after it backward. Inference has no backward passes.
type LayerSpeed struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"` // conv, depthwise, pointwise, pool; pack, image, backbone, head, batch, wait, update, rest
	Forward  *PassSpeed `json:"forward,omitempty"`
	Backward *PassSpeed `json:"backward,omitempty"`
}

// PassSpeed is one direction of a layer. Rows that are no layers have no products, and perhaps no bytes that anybody counts.
type PassSpeed struct {
	MS                float64 `json:"ms"`    // median over the steps or calls
	Share             float64 `json:"share"` // of the median step or call
	FLOP              int64   `json:"flop,omitempty"`
	Bytes             int64   `json:"bytes,omitempty"` // that have to move once
	GFLOPS            float64 `json:"gflop_s,omitempty"`
	GBS               float64 `json:"gb_s,omitempty"`
	MemoryFloorMS     float64 `json:"memory_floor_ms,omitempty"`     // Bytes at the memory's peak
	ArithmeticFloorMS float64 `json:"arithmetic_floor_ms,omitempty"` // FLOP at the peak of their kind
}

// FloorMS is the higher of the two floors, 0 where there is none.
func (p PassSpeed) FloorMS() float64 { return max(p.MemoryFloorMS, p.ArithmeticFloorMS) }

// measurement sets the table's rows and returns the seconds of their passes in order, and of the whole.
type measurement func(*autograd.Scope, *benched, *LayerTable) ([]float64, error)

// benchTable makes a table of what measure measures, between two measurements of the peaks.
func benchTable(ctx context.Context, c Config, measure measurement) (LayerTable, ComputeSpeed, error) {
	t := LayerTable{Processor: host.Processor()}
	var held int64 // before the second measurement of the peaks adds its arrays
	speed, err := bench(ctx, c, func(s *autograd.Scope, b *benched) (time.Duration, error) {
		if b.kernels != mobilenet.Fused {
			return 0, fmt.Errorf("train: bench: --layers needs the fused kernels and has the %s ones: use --kernels fused on a CPU", b.kernels)
		}
		before, err := autograd.MeasureBackbonePeaks(b.Precision.Compute(), b.Threads)
		if err != nil {
			return 0, err
		}
		seconds, err := measure(s, b, &t)
		if err != nil {
			return 0, err
		}
		held = host.PeakRSS()
		after, err := autograd.MeasureBackbonePeaks(b.Precision.Compute(), b.Threads)
		if err != nil {
			return 0, err
		}
		t.Peaks = newPeaks(before.Best(after))
		t.fill(seconds)
		return time.Duration(seconds[len(seconds)-1] * float64(time.Second)), nil
	})
	speed.PeakRSSMB = held
	return t, speed, err
}

func newPeaks(p autograd.BackbonePeaks) Peaks {
	const giga = 1e-9
	return Peaks{GFLOPS: 2 * giga * p.MultiplyAdds, FloatGFLOPS: 2 * giga * p.FloatMultiplyAdds, ReadGBS: giga * p.Read,
		AddGBS: giga * p.Add, GBS: giga * p.Bandwidth()}
}

// storedBytes are those of a value that is stored in a type.
func storedBytes(compute autograd.DType) int {
	if compute == autograd.BFloat16 {
		return 2
	}
	return 4
}

// costed is a pass of known cost, not yet timed.
func costed(c mobilenet.Cost) *PassSpeed { return &PassSpeed{FLOP: 2 * c.MultiplyAdds, Bytes: c.Bytes} }

// passes are the row's directions, as many as it has.
func (l LayerSpeed) passes() []*PassSpeed {
	return slices.DeleteFunc([]*PassSpeed{l.Forward, l.Backward}, func(p *PassSpeed) bool { return p == nil })
}

// measureRows calls sample as often as it says, and returns the medians of its numbers.
func measureRows(steps BenchSteps, sample func() ([]float64, error)) ([]float64, error) {
	var samples [][]float64
	for i := range steps.Warmup + steps.Count {
		cells, err := sample()
		if err != nil {
			return nil, err
		}
		if i >= steps.Warmup {
			samples = append(samples, cells)
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

// fill puts the times into the rows: those of their passes in order, then that of the whole.
func (t *LayerTable) fill(seconds []float64) {
	whole := seconds[len(seconds)-1]
	next := 0
	for _, l := range t.Layers {
		peak := t.Peaks.GFLOPS
		if l.Kind == string(mobilenet.Depthwise) || l.Kind == headRow {
			peak = t.Peaks.FloatGFLOPS
		}
		for _, p := range l.passes() {
			p.fill(seconds[next], whole, t.Peaks.GBS, peak)
			next++
		}
	}
}

// fill derives everything from the seconds of the pass and of the whole, and the peaks in GB/s and GFLOP/s.
func (p *PassSpeed) fill(seconds, whole, bandwidth, peak float64) {
	p.MS, p.Share = 1000*seconds, seconds/whole
	if seconds > 0 {
		p.GFLOPS, p.GBS = 1e-9*float64(p.FLOP)/seconds, 1e-9*float64(p.Bytes)/seconds
	}
	p.MemoryFloorMS = 1e-6 * float64(p.Bytes) / bandwidth
	if p.Bytes > 0 { // in training the head is libtorch's, and held to no floor
		p.ArithmeticFloorMS = 1e-6 * float64(p.FLOP) / peak
	}
}
