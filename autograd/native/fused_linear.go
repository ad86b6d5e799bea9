package native

// #include "fused_linear.h"
import "C"

// Linear computes x times the transpose of w, plus b unless that is nil, by the fused kernels.
func Linear(x, w, b Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_linear(&out, C.dw_tensor(x), C.dw_tensor(w), C.dw_tensor(b)))
	return Tensor(out), err
}
