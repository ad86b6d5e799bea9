package native

// #include "backbone.h"
import "C"

import "unsafe"

// BackboneTimes are the seconds that the last pass of a backbone took: the whole call, and of it packing the weights, laying out
// the images, the pooling, and each layer.
type BackboneTimes struct {
	Whole, Pack, Image, Pool float64
	Layers                   []float64
}

// LastBackboneTimes are those of the last pass in a direction; without layers where there was none.
func LastBackboneTimes(backward bool) BackboneTimes {
	n := C.dw_backbone_times(truth(backward), nil, 0)
	seconds := make([]float64, n)
	C.dw_backbone_times(truth(backward), (*C.double)(unsafe.SliceData(seconds)), n)
	return BackboneTimes{Whole: seconds[0], Pack: seconds[1], Image: seconds[2], Pool: seconds[3], Layers: seconds[4:]}
}

// FoldedTimes are the seconds of one call of a backbone for inference: the whole of it, and of that the layers, the pooling and
// the head, each the time of all threads divided by their number, and likewise the threads' waiting for others or for work.
type FoldedTimes struct {
	Whole, Waiting, Pool, Head float64
	Layers                     []float64
}

// BackbonePeaks is what the processor can do at best; see dw_backbone_peaks.
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
