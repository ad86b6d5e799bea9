package native

// #include "native.h"
import "C"

// The functions below change all tensors of x in place; lists that appear together have the same
// length.

// ListScale is x *= c.
func ListScale(x []Tensor, c float64) error {
	return take(C.dw_list_scale(first(x), count(x), C.double(c)))
}

// ListAddScalar is x += c.
func ListAddScalar(x []Tensor, c float64) error {
	return take(C.dw_list_add_scalar(first(x), count(x), C.double(c)))
}

// ListAddScaled is x += alpha * y.
func ListAddScaled(x, y []Tensor, alpha float64) error {
	return take(C.dw_list_add_scaled(first(x), first(y), count(x), C.double(alpha)))
}

// ListAddProduct is x += alpha * a * b.
func ListAddProduct(x, a, b []Tensor, alpha float64) error {
	return take(C.dw_list_add_product(first(x), first(a), first(b), count(x), C.double(alpha)))
}

// ListAddQuotient is x += alpha * a / b.
func ListAddQuotient(x, a, b []Tensor, alpha float64) error {
	return take(C.dw_list_add_quotient(first(x), first(a), first(b), count(x), C.double(alpha)))
}

// ListSqrt is x = sqrt(x).
func ListSqrt(x []Tensor) error { return take(C.dw_list_sqrt(first(x), count(x))) }

// ListLerp is x += weight * (y - x).
func ListLerp(x, y []Tensor, weight float64) error {
	return take(C.dw_list_lerp(first(x), first(y), count(x), C.double(weight)))
}

// ListCopy is x = y.
func ListCopy(x, y []Tensor) error { return take(C.dw_list_copy(first(x), first(y), count(x))) }

// ListZero is x = 0.
func ListZero(x []Tensor) error { return take(C.dw_list_zero(first(x), count(x))) }

// ListNorm is the L2 norm over all elements of all tensors.
func ListNorm(x []Tensor) (float64, error) {
	var norm C.double
	err := take(C.dw_list_norm(first(x), count(x), &norm))
	return float64(norm), err
}

// ListNormTensor is ListNorm as a scalar tensor; of a list that is not empty.
func ListNormTensor(x []Tensor) (Tensor, error) {
	var out C.dw_tensor
	err := take(C.dw_list_norm_tensor(&out, first(x), count(x)))
	return Tensor(out), err
}

// ListAllFinite reports whether no element of any tensor is infinite or NaN.
func ListAllFinite(x []Tensor) (bool, error) {
	var finite C.int
	err := take(C.dw_list_all_finite(first(x), count(x), &finite))
	return finite != 0, err
}
