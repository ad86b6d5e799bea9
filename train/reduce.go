package train

import "depthwise.dev/autograd"

// newReducer prepares to average the gradients of the layers that train, and the running statistics, over ranks.
func (r *run) newReducer(s *autograd.Scope) {
	if !r.ranks.several() {
		return
	}
	o := autograd.ReducerOptions{Parameters: r.leaves, Summed: r.config.Accumulate > 1}
	for _, p := range r.network.Trainable() {
		o.Names = append(o.Names, p.Name)
	}
	if r.features == nil { // the head has no batch norm
		for _, b := range r.network.Statistics() {
			o.Statistics = append(o.Statistics, b.Tensor)
		}
	}
	r.reducer = autograd.NewGradientReducer(s, r.ranks.Process(), o)
}
