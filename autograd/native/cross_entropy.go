package native

// #include "cross_entropy.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Targets are the classes of rows of logits; see dw_targets.
type Targets struct {
	Labels, MixedLabels []int64 // MixedLabels empty, or as many as Labels
	Lambda, Smoothing   float64
	ClassWeights        []float64 // of each class; empty: 1
	Gamma               float64   // of the focal loss; 0: cross entropy
}

// CrossEntropyResult is the loss and the number of correct rows.
type CrossEntropyResult struct {
	Loss    float64
	Correct int
}

// CrossEntropy computes the mean loss of the rows (weighted, with class weights), as a scalar of the graph and as a value.
func CrossEntropy(logits Tensor, t Targets) (loss Tensor, result CrossEntropyResult, err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	classes := func(list []int64) *C.int64_t {
		if len(list) == 0 {
			return nil
		}
		pinner.Pin(unsafe.SliceData(list))
		return (*C.int64_t)(unsafe.SliceData(list))
	}
	targets := C.dw_targets{labels: classes(t.Labels), mixed_labels: classes(t.MixedLabels), n: C.int64_t(len(t.Labels)), lambda: C.double(t.Lambda),
		smoothing: C.double(t.Smoothing), weighted: C.int64_t(len(t.ClassWeights)), gamma: C.double(t.Gamma)}
	if len(t.ClassWeights) > 0 {
		pinner.Pin(unsafe.SliceData(t.ClassWeights))
		targets.class_weights = (*C.double)(unsafe.SliceData(t.ClassWeights))
	}
	var out C.dw_tensor
	var found C.dw_cross_entropy_result
	err = take(C.dw_cross_entropy(&out, &found, C.dw_tensor(logits), &targets))
	return Tensor(out), CrossEntropyResult{Loss: float64(found.loss), Correct: int(found.correct)}, err
}
