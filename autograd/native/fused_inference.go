package native

// #include "fused_node.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Pixels are images as a loader leaves them, (N, Height, Width, 3), and what normalises them: (v/255 - Mean)/Std by colour.
type Pixels struct {
	Values           []uint8 // as many as the sizes say
	N, Height, Width int
	Mean, Std        [3]float64
}

// TrunkFold folds the trunk's weights into a tensor of bytes. The tensors are described at dw_trunk_fold.
func TrunkFold(folded Tensor, t Trunk, parameters, statistics []Tensor) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	trunk := t.c(&pinner)
	return take(C.dw_trunk_fold(C.dw_tensor(folded), &trunk, first(parameters), count(parameters), first(statistics), count(statistics)))
}

// TrunkInfer is the pooled features of images x, or of pixels where x is nil; see dw_trunk_infer.
func TrunkInfer(t Trunk, folded, workspace, x Tensor, pixels Pixels) (features Tensor, err error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	trunk := t.c(&pinner)
	p := C.dw_pixels{n: C.int64_t(pixels.N), height: C.int(pixels.Height), width: C.int(pixels.Width)}
	for i := range pixels.Mean {
		p.mean[i], p.std[i] = C.double(pixels.Mean[i]), C.double(pixels.Std[i])
	}
	if len(pixels.Values) > 0 {
		pinner.Pin(&pixels.Values[0])
		p.values = (*C.uint8_t)(unsafe.SliceData(pixels.Values))
	}
	var out C.dw_tensor
	err = take(C.dw_trunk_infer(&out, &trunk, C.dw_tensor(folded), C.dw_tensor(workspace), C.dw_tensor(x), &p))
	return Tensor(out), err
}

// Versions tells for each tensor how often it has been written to.
func Versions(ts []Tensor) ([]int64, error) {
	versions := make([]int64, len(ts))
	err := take(C.dw_versions((*C.int64_t)(unsafe.SliceData(versions)), first(ts), count(ts)))
	return versions, err
}
