package native

// #include "backbone.h"
// extern void dwGoReportTimes(uintptr_t times, int backward, double *seconds, int n);
import "C"

import (
	"runtime/cgo"
	"slices"
	"unsafe"
)

// PassTimes are the times of one pass of a backbone in one direction, in seconds: the whole call,
// and within it packing the weights and preparing the images (forward only), pooling, and each
// layer.
type PassTimes struct {
	Whole, Pack, Image, Pool float64
	Layers                   []float64
}

// BackboneTimes are the times of a forward pass and of its backward pass.
type BackboneTimes struct{ Forward, Backward PassTimes }

func init() { C.dw_set_report_times(C.dw_report_times(C.dwGoReportTimes)) }

//export dwGoReportTimes
func dwGoReportTimes(times C.uintptr_t, backward C.int, seconds *C.double, n C.int) {
	t := cgo.Handle(times).Value().(*BackboneTimes)
	all := unsafe.Slice((*float64)(seconds), int(n))
	pass := PassTimes{Whole: all[0], Pack: all[1], Image: all[2], Pool: all[3], Layers: slices.Clone(all[4:])}
	if backward != 0 {
		t.Backward = pass
	} else {
		t.Forward = pass
	}
}

// handle is the handle for C++ to report times with, 0 for nil; C++ releases it.
func (t *BackboneTimes) handle() C.uintptr_t {
	if t == nil {
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(t))
}

// FoldedTimes are the times of one call of a backbone for inference, in seconds: the whole call,
// and within it the layers, pooling and head, each summed over all threads and divided by their
// number, and likewise the threads' waiting for others or for work.
type FoldedTimes struct {
	Whole, Waiting, Pool, Head float64
	Layers                     []float64
}

// BackbonePeaks is the processor's peak performance; see dw_backbone_peaks.
type BackbonePeaks struct{ MultiplyAdds, FloatMultiplyAdds, Read, Add float64 }

// MeasureBackbonePeaks measures them, for bfloat16 or float32 operands.
func MeasureBackbonePeaks(bfloat16 bool, threads int) (BackbonePeaks, error) {
	var p C.dw_backbone_peaks
	if err := take(C.dw_measure_peaks(&p, truth(bfloat16), C.int(threads))); err != nil {
		return BackbonePeaks{}, err
	}
	return BackbonePeaks{MultiplyAdds: float64(p.multiply_adds), FloatMultiplyAdds: float64(p.float_multiply_adds),
		Read: float64(p.read), Add: float64(p.add)}, nil
}
