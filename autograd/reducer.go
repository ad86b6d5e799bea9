package autograd

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"depthwise.dev/autograd/native"
)

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
	Middle int64 // 0: 25 MiB, as in PyTorch
	Last   int64 // 0: 1 MiB. Small, because no backward pass is left to hide it
}

// A Contribution is what a rank adds to a step.
type Contribution struct {
	Images int     // over all accumulated batches. 0: the rank has none, and zeros for its gradients
	Weight float64 // of its loss in the step: images, or the sum of their class weights; 0 means zeros for its gradients
}

// A GradientReducer averages the gradients of all ranks while the backward pass still runs, as DistributedDataParallel:
// gradients are copied to buckets in the order in which they arrive, and a full bucket is summed over ranks while the next
// ones are computed. A nil reducer is that of one process; its methods do nothing.
type GradientReducer struct {
	c     native.Reducer
	group *ProcessGroup
	names []string
	freed bool
}

const reducerName = "gradient reducer" // in errors

// NewGradientReducer returns a reducer of a group, nil for a nil group. All ranks make it with the same options, and each
// parameter has at most one. It belongs to s, and hooks at the parameters last as long as s.
func NewGradientReducer(s *Scope, p *ProcessGroup, o ReducerOptions) *GradientReducer {
	if p == nil || !s.ready(reducerName, o.Parameters...) || !s.ready(reducerName, o.Statistics...) {
		return nil
	}
	const mib = 1 << 20
	c, err := native.NewReducer(p.c, native.ReducerOptions{Parameters: o.Parameters.handles(), Statistics: o.Statistics.handles(),
		First: cmp.Or(o.Buckets.First, mib), Middle: cmp.Or(o.Buckets.Middle, 25*mib), Last: cmp.Or(o.Buckets.Last, mib),
		Summed: o.Summed, BFloat16: o.BFloat16, Deferred: o.Deferred})
	if err != nil {
		s.Fail(opError(reducerName, nil, err))
		return nil
	}
	r := &GradientReducer{c: c, group: p, names: o.Names}
	s.Defer(r.Free)
	return r
}

// Free ends the reducer before its scope, so that its parameters can have another one.
func (r *GradientReducer) Free() {
	if r == nil || r.freed {
		return
	}
	r.freed = true
	r.c.Free()
}

// Begin begins a step. Call it before the last backward pass of the step, on all ranks, also those without an image; it may
// be before the forward pass. Gradients that the leaves have from earlier batches of the step are part of it.
func (r *GradientReducer) Begin(s *Scope, c Contribution) {
	if r == nil || !r.ready(s) {
		return
	}
	if err := r.c.Begin(int64(c.Images), c.Weight); err != nil {
		s.Fail(r.group.failure(reducerName+": begin", err))
	}
}

// Finish ends a step: it waits for all ranks, and leaves at the parameters the mean of their gradients, weighted by Weight
// (of Summed gradients their sum divided by the sum of the weights), and in Statistics their mean. All ranks get the same
// bits. The gradients share memory with the reducer: the next backward pass must be after [ZeroGrads]. A parameter without
// a gradient is an error that names it, unless the rank's weight is 0. After an error the reducer is not usable, and other
// ranks may wait for this one.
func (r *GradientReducer) Finish(s *Scope) {
	if r == nil || !r.ready(s) {
		return
	}
	missing, err := r.c.Finish()
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("no gradient of %s: the loss of the step does not depend on it, or its backward pass has not run", r.list(missing))
	}
	if err != nil {
		s.Fail(r.group.failure(reducerName+": finish", err))
	}
}

func (r *GradientReducer) ready(s *Scope) bool {
	if r.freed {
		s.Fail(fmt.Errorf("autograd: %s: %w", reducerName, ErrFreed))
	}
	return s.ready(reducerName)
}

// list names parameters, at most three.
func (r *GradientReducer) list(places []int32) string {
	var names []string
	for _, i := range places[:min(3, len(places))] {
		name := fmt.Sprintf("parameter %d", i)
		if int(i) < len(r.names) {
			name = r.names[i]
		}
		names = append(names, name)
	}
	text := strings.Join(names, ", ")
	if more := len(places) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// ReducerTimes says when the last step's sums over ranks ran. Times are since Begin.
type ReducerTimes struct {
	Buckets []BucketTimes // in the order in which they are sent
	Finish  time.Duration // when Finish was called, after the backward pass
	Waited  time.Duration // within Finish, for sums that had not ended: the communication that the backward pass did not hide
}

// BucketTimes are those of a bucket.
type BucketTimes struct {
	Parameters   []int         // places in ReducerOptions.Parameters
	Bytes        int64         // as sent
	Begun, Ended time.Duration // of its sum; Ended is when Finish had waited for it
}

// Times returns the times of the last step. The first step ends with new buckets, in the order in which gradients have
// arrived, which have no times yet.
func (r *GradientReducer) Times() ReducerTimes {
	if r == nil || r.freed {
		return ReducerTimes{}
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	native := r.c.Times()
	t := ReducerTimes{Finish: seconds(native.Finish), Waited: seconds(native.Waited)}
	for _, b := range native.Buckets {
		t.Buckets = append(t.Buckets, BucketTimes{Bytes: b.Bytes, Begun: seconds(b.Begun), Ended: seconds(b.Ended)})
	}
	for i, bucket := range native.BucketOf {
		b := &t.Buckets[bucket]
		b.Parameters = append(b.Parameters, i)
	}
	return t
}
