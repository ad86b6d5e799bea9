package native

// #include "loss_scale.h"
import "C"

// ListUnscale multiplies gradients by inverse and sets found to 1 if one of them is not finite.
func ListUnscale(gradients []Tensor, found, inverse Tensor) error {
	return take(C.dw_list_unscale(first(gradients), count(gradients), C.dw_tensor(found), C.dw_tensor(inverse)))
}

// ListRestore overwrites x with kept where the scalar is 1, not 0.
func ListRestore(x, kept []Tensor, when Tensor) error {
	return take(C.dw_list_restore(first(x), first(kept), count(x), C.dw_tensor(when)))
}

// UpdateLossScale changes a loss scale after a step.
func UpdateLossScale(scale, growthTracker, found Tensor, growth, backoff float64, interval int64) error {
	return take(C.dw_update_loss_scale(C.dw_tensor(scale), C.dw_tensor(growthTracker), C.dw_tensor(found), C.double(growth), C.double(backoff), C.int64_t(interval)))
}
