package train

import (
	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
)

// newReducer prepares to average the gradients of the layers that train, and the running statistics, over ranks.
func (r *run) newReducer(s *autograd.Scope) {
	if !r.ranks.several() {
		return
	}
	r.reducer.Free() // of other layers
	o := autograd.ReducerOptions{Parameters: r.leaves, Summed: r.config.Accumulate > 1, BFloat16: r.config.GradientCompression == config.CompressBFloat16}
	for _, p := range r.network.Trainable() {
		o.Names = append(o.Names, p.Name)
	}
	r.sync = r.syncNorms(r.network)
	if r.features == nil && r.sync == nil { // the head has no batch norm
		for _, b := range r.network.Statistics() {
			o.Statistics = append(o.Statistics, b.Tensor)
		}
	}
	r.reducer = autograd.NewGradientReducer(s, r.ranks.Process(), o)
}

// syncNorms lets the batch norms of a network that train use the statistics of all ranks, if the configuration says so.
func (r *run) syncNorms(n *backend.Network) *autograd.NormSync {
	if !r.ranks.several() || !r.config.SyncBN || r.features != nil || len(n.Statistics()) == 0 {
		return nil
	}
	return n.SyncNorms(r.ranks.Process())
}

// takesPart reports whether this rank runs a training batch. With synchronized batch norm, whose sums all ranks exchange, all of
// them run it or none, also those without an image of it.
func (r *run) takesPart(b *data.Batch) (bool, error) {
	if r.sync == nil {
		return r.trainable(b.N), nil
	}
	total := []float64{float64(b.N)}
	if err := r.ranks.Sum(total); err != nil {
		return false, err
	}
	r.sync.Absent, r.sync.Weight = false, 1 // accumulated gradients are sums
	if r.config.Accumulate == 1 && b.N > 0 {
		r.sync.Weight = r.batchWeight(b)
	}
	return r.trainable(int(total[0])), nil
}

// runAbsent takes part in a batch of which this rank has no image: a black one, which counts neither in the statistics nor in the
// gradients.
func (r *run) runAbsent(s *autograd.Scope) error {
	r.sync.Absent = true
	return s.Sub(func(s *autograd.Scope) error {
		b := r.blackBatch()
		loss, _ := r.loss(s, r.Forward(s, r.network, backend.Pixels(b, r.net.preprocess), autograd.Training), r.mixedTargets(backend.Targets(b)))
		if s.Err() == nil {
			r.Backward(s, s.Scale(loss, 0))
		}
		return s.Err()
	})
}

// blackBatch is a batch of one black image of the first class.
func (r *run) blackBatch() *data.Batch {
	side, classes := r.net.graph.Input.Height, len(r.images.train.Classes)
	b := &data.Batch{N: 1, Height: side, Width: side, Pixels: make([]uint8, 3*side*side), Labels: []int64{0}, Lambda: 1}
	if r.multiLabel() {
		b.Labels, b.Targets = nil, make([]float32, classes)
	}
	return b
}
