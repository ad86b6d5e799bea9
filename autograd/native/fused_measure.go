package native

// #include "fused_node.h"
import "C"

import "unsafe"

// TrunkTimes are the seconds that the last pass of a trunk took: the whole call, and of it packing the weights, laying out
// the images, the pooling, and each layer.
type TrunkTimes struct {
	Whole, Pack, Image, Pool float64
	Layers                   []float64
}

// LastTrunkTimes are those of the last pass in a direction; without layers where there was none.
func LastTrunkTimes(backward bool) TrunkTimes {
	n := C.dw_trunk_times(truth(backward), nil, 0)
	seconds := make([]float64, n)
	C.dw_trunk_times(truth(backward), (*C.double)(unsafe.SliceData(seconds)), n)
	return TrunkTimes{Whole: seconds[0], Pack: seconds[1], Image: seconds[2], Pool: seconds[3], Layers: seconds[4:]}
}

// FoldedTimes are the seconds of one call of a trunk for inference: the whole of it, and of that the layers, the pooling and
// the head, each the time of all threads divided by their number, and likewise the threads' waiting for others or for work.
type FoldedTimes struct {
	Whole, Waiting, Pool, Head float64
	Layers                     []float64
}

// TrunkPeaks is what the processor can do at best; see dw_trunk_peaks.
type TrunkPeaks struct{ MultiplyAdds, FloatMultiplyAdds, Read, Add float64 }

// MeasureTrunkPeaks measures them, for bfloat16 or float32 operands.
func MeasureTrunkPeaks(bfloat16 bool, threads int) (TrunkPeaks, error) {
	var p C.dw_trunk_peaks
	if err := take(C.dw_measure_peaks(&p, truth(bfloat16), C.int(threads))); err != nil {
		return TrunkPeaks{}, err
	}
	return TrunkPeaks{MultiplyAdds: float64(p.multiply_adds), FloatMultiplyAdds: float64(p.float_multiply_adds),
		Read: float64(p.read), Add: float64(p.add)}, nil
}
