package native

// #include "cross_entropy.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Targets are the classes of rows of logits; see dw_targets.
type Targets struct {
	Labels, Partners []int64 // Partners empty, or as many as Labels
	Share, Smoothing float64
}

// Scored is what the rows come to.
type Scored struct {
	Loss    float64
	Correct int
}

// CrossEntropy is the mean loss of the rows as a scalar of the graph, and its value.
func CrossEntropy(logits Tensor, t Targets) (loss Tensor, s Scored, err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	classes := func(list []int64) *C.int64_t {
		if len(list) == 0 {
			return nil
		}
		pinner.Pin(unsafe.SliceData(list))
		return (*C.int64_t)(unsafe.SliceData(list))
	}
	targets := C.dw_targets{labels: classes(t.Labels), partners: classes(t.Partners), n: C.int64_t(len(t.Labels)), share: C.double(t.Share),
		smoothing: C.double(t.Smoothing)}
	var out C.dw_tensor
	var scored C.dw_scored
	err = take(C.dw_cross_entropy(&out, &scored, C.dw_tensor(logits), &targets))
	return Tensor(out), Scored{Loss: float64(scored.loss), Correct: int(scored.correct)}, err
}
