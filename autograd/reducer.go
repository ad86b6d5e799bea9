package autograd

import "errors"

// ReducerOptions says what a [GradientReducer] averages.
type ReducerOptions struct {
	Parameters List     // the leaves that train, float32 or float64, of one type on one device
	Names      []string // of the parameters, for errors

	// Statistics are running means and variances that training updates on each rank by itself; Finish leaves their mean over
	// ranks, weighted by images. Leave out those of frozen layers, and all with synchronized batch norm, which keeps them
	// equal.
	Statistics List

	// Summed: the gradients are of sums of losses, as with accumulated batches, and are not multiplied by the rank's weight.
	Summed bool

	// BFloat16 sends gradients in that type, half the bytes of float32. Sums then have 8 bits.
	BFloat16 bool

	// Deferred begins all sums in Finish instead of during the backward pass, to measure what overlapping saves.
	Deferred bool

	// Buckets are the sizes in bytes of what is summed at a time; the zero value has defaults.
	Buckets BucketSizes
}

// BucketSizes are sizes in bytes, as sent. A first and a middle bucket end with the gradient that reaches the size; the last
// one does not exceed it.
type BucketSizes struct {
	First  int64 // 0: 1 MiB. Small, so that sending begins early
	Middle int64 // 0: 25 MiB
	Last   int64 // 0: 1 MiB. Small, because no backward pass is left to hide it
}

// A Contribution is what a rank adds to a step.
type Contribution struct {
	Images int     // over all accumulated batches. 0: the rank has none, and zeros for its gradients
	Weight float64 // of its loss in the step: images, or the sum of their class weights
}

// A GradientReducer averages the gradients of all ranks while the backward pass still runs, as DistributedDataParallel:
// gradients are copied to buckets in the order in which they arrive, and a full bucket is summed over ranks while the next
// ones are computed. A nil reducer is that of one process; its methods do nothing.
type GradientReducer struct{}

// NewGradientReducer returns a reducer of a group, nil for a nil group. All ranks make it with the same options at the same
// time. It belongs to s.
func NewGradientReducer(s *Scope, p *ProcessGroup, o ReducerOptions) *GradientReducer {
	if p != nil {
		s.Fail(errors.New("autograd: gradient reducer: not built"))
	}
	return nil
}

// Begin begins a step. Call it before the last backward pass of the step, on all ranks, also those without an image; it may
// be before the forward pass. Gradients that the leaves have from earlier batches of the step are part of it.
func (r *GradientReducer) Begin(s *Scope, c Contribution) {}

// Finish ends a step: it waits for all ranks, and leaves at the parameters the mean of their gradients, weighted by Weight
// (of Summed gradients their sum divided by the sum of the weights), and in Statistics their mean. All ranks get the same
// bits. The gradients share memory with the reducer: the next backward pass must be after [ZeroGrads]. A parameter without
// a gradient is an error that names it, unless the rank has no images.
func (r *GradientReducer) Finish(s *Scope) {}
