package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/internal/host"
)

// LayerTable holds per-layer times, with the measured peaks of this processor.
type LayerTable struct {
	Processor string `json:"processor"`
	Peaks     Peaks  `json:"peaks"`
	// Doubt says why the peaks are too low, and with them the floors; "" where nothing shows it.
	Doubt   string       `json:"peaks_doubt,omitempty"`
	FloorMS float64      `json:"floor_ms"` // sum over fused groups of the higher of memory and arithmetic floor
	Layers  []LayerSpeed `json:"layers"`
}

// Peaks are the peaks of this processor with the instruction set of the fused kernels and the same
// number of threads. They are measured before and after, and again while something shows that other
// processes disturbed them.
type Peaks struct {
	GFLOPS      float64 `json:"gflop_s"`      // products in the precision of computation: stem and pointwise layers
	FloatGFLOPS float64 `json:"fp32_gflop_s"` // products in fp32: depthwise layers and head in any precision
	ReadGBS     float64 `json:"read_gb_s"`    // from memory
	AddGBS      float64 `json:"add_gb_s"`     // from and to memory, in a = b + c
	GBS         float64 `json:"gb_s"`         // the greater of them, from which the floors follow
}

// LayerSpeed is a row of the table: a layer, or another part of the step or call. Parts before the
// backward pass count as forward, those after it as backward. Inference has no backward passes.
type LayerSpeed struct {
	Name string `json:"name"`
	// Kind is conv, depthwise, pointwise or pool, or of other parts pack, image, backbone, head, batch,
	// wait, update or rest.
	Kind     string     `json:"kind"`
	Forward  *PassSpeed `json:"forward,omitempty"`
	Backward *PassSpeed `json:"backward,omitempty"`
}

// PassSpeed is one direction of a layer. Rows other than layers have no FLOP and may have no bytes.
type PassSpeed struct {
	MS                float64 `json:"ms"`    // median over the steps or calls
	Share             float64 `json:"share"` // of the median step or call
	FLOP              int64   `json:"flop,omitempty"`
	Bytes             int64   `json:"bytes,omitempty"` // memory traffic, each value once
	GFLOPS            float64 `json:"gflop_s,omitempty"`
	GBS               float64 `json:"gb_s,omitempty"`
	MemoryFloorMS     float64 `json:"memory_floor_ms,omitempty"`     // Bytes at the memory's peak
	ArithmeticFloorMS float64 `json:"arithmetic_floor_ms,omitempty"` // FLOP at the peak of their kind
}

// FloorMS is the higher of the two floors, 0 where there is none.
func (p PassSpeed) FloorMS() float64 { return max(p.MemoryFloorMS, p.ArithmeticFloorMS) }

// measurement sets the table's rows and returns the median seconds of their passes in order and last of the whole, and the times
// of the whole.
type measurement func(*autograd.Scope, *benchmark, *LayerTable) ([]float64, Timing, error)

// runTable measures a table, between measurements of the peaks.
func runTable(ctx context.Context, c config.Config, fits memory, measure measurement) (LayerTable, ComputeSpeed, error) {
	t := LayerTable{Processor: host.Processor()}
	var peak int64 // memory, before the second measurement of the peaks allocates its arrays
	speed, err := run(ctx, c, fits, func(s *autograd.Scope, b *benchmark) (Timing, error) {
		if _, ok := b.Backend.(backend.Fused); !ok {
			return Timing{}, b.errNotFused()
		}
		peaks := b.peaks()
		if err := peaks.again(); err != nil {
			return Timing{}, err
		}
		seconds, timing, err := measure(s, b, &t)
		if err != nil {
			return Timing{}, err
		}
		peak = host.PeakRSS()
		if err := peaks.again(); err != nil {
			return Timing{}, err
		}
		t.Doubt, err = peaks.settle(&t, seconds)
		return timing, err
	})
	speed.PeakRSSMB = peak
	return t, speed, err
}

// peaks prepares measurements of the peaks.
func (b *benchmark) peaks() *peakMeasurements {
	compute := b.Precision.Compute()
	own := strings.Contains(b.Kernels, "bf16") || strings.Contains(b.Kernels, "amx")
	return &peakMeasurements{bf16: compute == autograd.BFloat16 && own,
		measure: func() (autograd.BackbonePeaks, error) { return autograd.MeasureBackbonePeaks(compute, b.Threads) }}
}

func newPeaks(p autograd.BackbonePeaks) Peaks {
	const giga = 1e-9
	return Peaks{GFLOPS: 2 * giga * p.MultiplyAdds, FloatGFLOPS: 2 * giga * p.FloatMultiplyAdds,
		ReadGBS: giga * p.Read, AddGBS: giga * p.Add, GBS: giga * p.Bandwidth()}
}

// storedBytes is the size of a stored value.
func storedBytes(compute autograd.DType) int {
	if compute == autograd.BFloat16 {
		return 2
	}
	return 4
}

// costed returns a pass of known cost, not yet timed.
func costed(c backend.Cost) *PassSpeed { return &PassSpeed{FLOP: 2 * c.MultiplyAdds, Bytes: c.Bytes} }

// passes returns the directions that the row has.
func (l LayerSpeed) passes() []*PassSpeed {
	return slices.DeleteFunc([]*PassSpeed{l.Forward, l.Backward}, func(p *PassSpeed) bool { return p == nil })
}

// fill sets the times of the rows: those of their passes in order, then the total.
func (t *LayerTable) fill(seconds []float64) {
	whole := seconds[len(seconds)-1]
	next := 0
	for _, l := range t.Layers {
		peak := t.Peaks.GFLOPS
		if l.Kind == depthwiseRow || l.Kind == headRow {
			peak = t.Peaks.FloatGFLOPS
		}
		for _, p := range l.passes() {
			p.fill(seconds[next], whole, t.Peaks.GBS, peak)
			next++
		}
	}
}

// fill derives the fields from the seconds of the pass and the total, and from the peaks in GB/s and
// GFLOP/s.
func (p *PassSpeed) fill(seconds, whole, bandwidth, peak float64) {
	p.MS, p.Share = 1000*seconds, seconds/whole
	if seconds > 0 {
		p.GFLOPS, p.GBS = 1e-9*float64(p.FLOP)/seconds, 1e-9*float64(p.Bytes)/seconds
	}
	p.MemoryFloorMS = 1e-6 * float64(p.Bytes) / bandwidth
	if p.Bytes > 0 { // in training libtorch computes the head, which has no floor
		p.ArithmeticFloorMS = 1e-6 * float64(p.FLOP) / peak
	}
}

// errNotFused says why there is no table of layers, and what to do.
func (b *benchmark) errNotFused() error {
	g := b.network.Graph
	if err := (backend.Fused{}).SupportsPrecision(b.Precision); err != nil {
		return fmt.Errorf("bench: --layers needs the fused kernels: %w; leave out --layers, or use --precision fp32 or bf16", err)
	}
	if err := (backend.Fused{}).Supports(g, b.Place); err != nil {
		return fmt.Errorf("bench: --layers needs the fused kernels, which cannot compute %s on %v: %w; "+
			"leave out --layers, or use --arch mobilenet_v1 and --device cpu", g.Name, b.Place, err)
	}
	return fmt.Errorf("bench: --layers needs the fused kernels, and the backend is %s: use --backend fused", b.Kernels)
}
