package native

// #include "backbone.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// Head is a linear layer behind a backbone; Weight is nil where there is none, Bias where it has none.
type Head struct{ Weight, Bias Tensor }

// BackboneFold folds the backbone's weights into a tensor of bytes, with those of the head. The tensors are described at dw_backbone_fold.
func BackboneFold(folded Tensor, t Backbone, parameters, statistics []Tensor, head Head) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	backbone := t.c(&pinner)
	return take(C.dw_backbone_fold(C.dw_tensor(folded), &backbone, first(parameters), count(parameters), first(statistics), count(statistics),
		C.dw_tensor(head.Weight), C.dw_tensor(head.Bias)))
}

// Folded is a backbone's weights as BackboneFold left them, and the number of its head's classes, 0 without one.
type Folded struct {
	Weights Tensor
	Classes int
}

// BackboneInfer is the pooled features of images x, or of pixels where x is nil, or their logits; see dw_backbone_infer. It fills in times,
// which may be nil, but for Whole.
func BackboneInfer(t Backbone, folded Folded, logits bool, workspace, x Tensor, pixels Pixels, times *FoldedTimes) (Tensor, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	backbone, p := t.c(&pinner), pixels.c(&pinner)
	var seconds []float64
	if times != nil {
		seconds = make([]float64, 3+len(t.Layers))
	}
	var out C.dw_tensor
	err := take(C.dw_backbone_infer(&out, &backbone, C.dw_tensor(folded.Weights), C.int(folded.Classes), truth(logits), C.dw_tensor(workspace),
		C.dw_tensor(x), &p, (*C.double)(unsafe.SliceData(seconds))))
	if times != nil {
		times.Waiting, times.Pool, times.Head, times.Layers = seconds[0], seconds[1], seconds[2], seconds[3:]
	}
	return Tensor(out), err
}

// Versions tells for each tensor how often it has been written to.
func Versions(ts []Tensor) ([]int64, error) {
	versions := make([]int64, len(ts))
	err := take(C.dw_versions((*C.int64_t)(unsafe.SliceData(versions)), first(ts), count(ts)))
	return versions, err
}

// CopyIfChanged makes copy, a tensor of bytes, hold the values of running statistics, and reports whether it held them before.
func CopyIfChanged(copy Tensor, statistics []Tensor) (same bool, err error) {
	var out C.int
	err = take(C.dw_copy_if_changed(&out, C.dw_tensor(copy), first(statistics), count(statistics)))
	return out != 0, err
}
