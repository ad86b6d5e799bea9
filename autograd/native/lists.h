// The C interface to operations on lists of tensors whose results are new lists; see autograd.List.
// Conventions are those of native.h; tensors/foreach.cc implements it. One call is one launch or a
// few on a GPU, where to copy a list tensor by tensor first would be one for each.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// out has n places.
dw_error dw_list_plus(dw_tensor *out, const dw_tensor *x, const dw_tensor *y, int n, double alpha); // x + alpha * y
dw_error dw_list_times(dw_tensor *out, const dw_tensor *x, int n, dw_tensor scalar);                // x * scalar
dw_error dw_list_clone(dw_tensor *out, const dw_tensor *x, int n);
dw_error dw_list_roots(dw_tensor *out, const dw_tensor *x, int n); // sqrt(x)

#ifdef __cplusplus
}
#endif
