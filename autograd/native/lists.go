package native

// #include "lists.h"
import "C"

// ListPlus returns x + alpha*y as new tensors.
func ListPlus(x, y []Tensor, alpha float64) ([]Tensor, error) {
	out := make([]Tensor, len(x))
	err := take(C.dw_list_plus(first(out), first(x), first(y), count(x), C.double(alpha)))
	return out, err
}

// ListTimes returns x * scalar, a tensor, as new tensors.
func ListTimes(x []Tensor, scalar Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(x))
	err := take(C.dw_list_times(first(out), first(x), count(x), C.dw_tensor(scalar)))
	return out, err
}

// ListRoots returns the square roots of x as new tensors.
func ListRoots(x []Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(x))
	err := take(C.dw_list_roots(first(out), first(x), count(x)))
	return out, err
}

// ListClone returns copies of x as new tensors.
func ListClone(x []Tensor) ([]Tensor, error) {
	out := make([]Tensor, len(x))
	err := take(C.dw_list_clone(first(out), first(x), count(x)))
	return out, err
}
