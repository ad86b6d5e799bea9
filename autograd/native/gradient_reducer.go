package native

// #include "gradient_reducer.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Reducer averages gradients over the ranks of a group; see reducer.h. Free releases it.
type Reducer struct {
	c          *C.dw_reducer
	parameters int
}

// ReducerOptions are those of dw_reducer_options.
type ReducerOptions struct {
	Parameters, Statistics     []Tensor
	First, Middle, Last        int64 // bytes of buckets
	Summed, BFloat16, Deferred bool
}

// NewReducer returns a reducer of a group.
func NewReducer(g ProcessGroup, o ReducerOptions) (Reducer, error) {
	r := Reducer{parameters: len(o.Parameters)}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	options := C.dw_reducer_options{parameters: (*C.dw_tensor)(unsafe.Pointer(pinned(&pinner, o.Parameters))), n: count(o.Parameters),
		statistics: (*C.dw_tensor)(unsafe.Pointer(pinned(&pinner, o.Statistics))), n_statistics: count(o.Statistics), first: C.int64_t(o.First), middle: C.int64_t(o.Middle), last: C.int64_t(o.Last),
		summed: truth(o.Summed), bf16: truth(o.BFloat16), deferred: truth(o.Deferred)}
	err := take(C.dw_reducer_new(&r.c, g.c, &options))
	return r, err
}

// Begin begins a step.
func (r Reducer) Begin(images int64, weight float64) error {
	return take(C.dw_reducer_begin(r.c, C.int64_t(images), C.double(weight)))
}

// Finish ends a step. It returns the places of parameters that lack a gradient; then nothing is averaged.
func (r Reducer) Finish() (missing []int32, err error) {
	missing = make([]int32, r.parameters)
	var n C.int
	err = take(C.dw_reducer_finish(r.c, (*C.int)(unsafe.SliceData(missing)), &n))
	return missing[:n], err
}

// Free releases the reducer and removes its hooks.
func (r Reducer) Free() { C.dw_reducer_free(r.c) }

// ReducerBucket is a bucket of the last step. Times are in seconds since Begin.
type ReducerBucket struct {
	Parameters   int
	Bytes        int64
	Begun, Ended float64
}

// ReducerTimes are those of the last step.
type ReducerTimes struct {
	Buckets        []ReducerBucket
	BucketOf       []int32 // of each parameter
	Finish, Waited float64 // when Finish was called; for how long it waited
}

// Times returns the times of the last step.
func (r Reducer) Times() ReducerTimes {
	buckets := make([]C.dw_bucket, r.parameters+1)
	of := make([]int32, r.parameters)
	var finish, waited C.double
	n := C.dw_reducer_times(r.c, unsafe.SliceData(buckets), C.int(len(buckets)), (*C.int)(unsafe.SliceData(of)), &finish, &waited)
	t := ReducerTimes{BucketOf: of, Finish: float64(finish), Waited: float64(waited)}
	for _, b := range buckets[:n] {
		t.Buckets = append(t.Buckets, ReducerBucket{Parameters: int(b.parameters), Bytes: int64(b.bytes), Begun: float64(b.begun), Ended: float64(b.ended)})
	}
	return t
}
