package native

// #include "backbone.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Head is a linear layer after a backbone; Weight is nil without one, Bias is nil if it has none.
type Head struct{ Weight, Bias Tensor }

// BackboneFold folds the backbone's weights, and those of the head, into a byte tensor.
// dw_backbone_fold documents the tensors.
func BackboneFold(folded Tensor, b Backbone, parameters, statistics []Tensor, head Head) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	backbone := b.c(&pinner)
	return take(C.dw_backbone_fold(C.dw_tensor(folded), &backbone, first(parameters), count(parameters), first(statistics), count(statistics),
		C.dw_tensor(head.Weight), C.dw_tensor(head.Bias)))
}

// Folded is a backbone's weights as BackboneFold left them, and the number of its head's classes, 0
// without one.
type Folded struct {
	Weights Tensor
	Classes int
}

// BackboneInfer computes the pooled features of images x, or of pixels if x is nil, or their
// logits; see dw_backbone_infer. It fills in times, if not nil, except Whole.
func BackboneInfer(b Backbone, folded Folded, logits bool, workspace, x Tensor, pixels Pixels, times *FoldedTimes) (Tensor, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	backbone, p := b.c(&pinner), pixels.c(&pinner)
	var seconds []float64
	if times != nil {
		seconds = make([]float64, 3+len(b.Layers))
	}
	var out C.dw_tensor
	err := take(C.dw_backbone_infer(&out, &backbone, C.dw_tensor(folded.Weights), C.int(folded.Classes), truth(logits), C.dw_tensor(workspace),
		C.dw_tensor(x), &p, (*C.double)(unsafe.SliceData(seconds))))
	if times != nil {
		times.Waiting, times.Pool, times.Head, times.Layers = seconds[0], seconds[1], seconds[2], seconds[3:]
	}
	return Tensor(out), err
}

// Versions returns the version counter of each tensor.
func Versions(ts []Tensor) ([]int64, error) {
	versions := make([]int64, len(ts))
	err := take(C.dw_versions((*C.int64_t)(unsafe.SliceData(versions)), first(ts), count(ts)))
	return versions, err
}

// CopyIfChanged copies the values of running statistics into the byte tensor copy and reports
// whether it already held them.
func CopyIfChanged(copy Tensor, statistics []Tensor) (unchanged bool, err error) {
	var out C.int
	err = take(C.dw_copy_if_changed(&out, C.dw_tensor(copy), first(statistics), count(statistics)))
	return out != 0, err
}
