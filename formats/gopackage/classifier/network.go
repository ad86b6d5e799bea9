package classifier

import (
	"fmt"
	"sync"
)

// network computes logits. It may be used by several goroutines.
type network struct {
	input  shape
	output int // logits
	steps  []step
	slots  []int // values of each
	last   int   // the slot of the logits
	runs   sync.Pool
}

// newNetwork prepares the layers of a header for a set of kernels.
func newNetwork(h *Header, k *kernels) (*network, error) {
	shapes, err := h.shapes()
	if err != nil {
		return nil, err
	}
	n := &network{input: shapes[0], output: shapes[len(shapes)-1].channels}
	p := newPlan(h, shapes, k)
	for i := range h.Layers {
		p.add(i)
	}
	n.steps, n.slots, n.last = p.steps, p.sizes, p.slot[len(h.Layers)-1]
	n.runs.New = func() any {
		r := &run{input: make([]float32, n.input.values()), steps: n.steps, workers: []*worker{new(worker)}}
		for _, size := range n.slots {
			r.slots = append(r.slots, make([]float32, size))
		}
		return r
	}
	return n, nil
}

// forward computes the logits of an image, which fill writes as (rows, columns, channels).
func (n *network) forward(fill func(input []float32)) []float32 {
	r := n.runs.Get().(*run)
	defer n.runs.Put(r)
	fill(r.input)
	r.execute()
	return append([]float32(nil), r.slots[n.last][:n.output]...)
}

// plan assigns memory to layers and collects their steps.
type plan struct {
	header  *Header
	shapes  []shape // of the image and of the results of layers
	kernels *kernels
	readers []int // how often the result of a layer is read, and not yet
	slot    []int // of a layer
	free    []int // slots whose values nothing reads any more
	sizes   []int
	steps   []step
	fused   []bool // the layer is computed by the step of its only reader
}

func newPlan(h *Header, shapes []shape, k *kernels) *plan {
	p := &plan{header: h, shapes: shapes, kernels: k, readers: make([]int, len(h.Layers)), slot: make([]int, len(h.Layers)), fused: make([]bool, len(h.Layers))}
	for _, l := range h.Layers {
		for _, i := range l.Inputs {
			if i >= 0 {
				p.readers[i]++
			}
		}
	}
	p.readers[len(h.Layers)-1]++ // the caller
	return p
}

// add plans a layer.
func (p *plan) add(i int) {
	l := &p.header.Layers[i]
	if p.fuses(i) {
		p.fused[i] = true
		return
	}
	p.slot[i] = p.allocate(p.shapes[i+1].values())
	p.steps = append(p.steps, p.step(i))
	for _, input := range l.Inputs {
		p.release(input)
	}
}

// allocate returns a free slot, enlarged if necessary.
func (p *plan) allocate(size int) int {
	if n := len(p.free); n > 0 {
		s := p.free[n-1]
		p.free = p.free[:n-1]
		p.sizes[s] = max(p.sizes[s], size)
		return s
	}
	p.sizes = append(p.sizes, size)
	return len(p.sizes) - 1
}

// release counts that a layer's result has been read.
func (p *plan) release(i int) {
	if i < 0 {
		return
	}
	if p.readers[i]--; p.readers[i] > 0 {
		return
	}
	if !p.fused[i] {
		p.free = append(p.free, p.slot[i])
		return
	}
	p.release(p.header.Layers[i].Inputs[0])
}

// value returns the result of a layer in a run, or the image.
func (p *plan) value(i int) func(r *run) []float32 {
	if i < 0 {
		return func(r *run) []float32 { return r.input }
	}
	slot, size := p.slot[i], p.shapes[i+1].values()
	return func(r *run) []float32 { return r.slots[slot][:size] }
}

// step returns the step of a layer.
func (p *plan) step(i int) step {
	switch l := &p.header.Layers[i]; {
	case l.Kind == KindConv && p.depthwise(i):
		return p.depthwiseStep(i)
	case l.Kind == KindConv:
		return p.convStep(i)
	case l.Kind == KindLinear:
		return p.linearStep(i)
	case l.Kind == KindMaxPool:
		return p.maxPoolStep(i)
	case l.Kind == KindGlobalAvgPool:
		return p.averageStep(i)
	case l.Kind == KindFlatten:
		return p.flattenStep(i)
	default: // shapes has refused unknown kinds
		return p.elementsStep(i)
	}
}

func (s shape) String() string {
	return fmt.Sprintf("%d channels of %dx%d", s.channels, s.rows, s.columns)
}
