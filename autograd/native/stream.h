// The C interface to copies between host and GPU for which the host does not wait. Conventions are
// those of native.h; cuda/memory.cc implements it.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// Copies row-major data to a new tensor on a device: -1 is the CPU, n >= 0 is GPU n. To a GPU it is
// copied through pinned memory on a stream of its own, ahead of the operations that were called
// before; those that are called afterwards wait for it. The data may change when it returns.
dw_error dw_upload(dw_tensor *out, const void *data, const int64_t *shape, int ndim, int dtype, int device);

// The values of tensors, as doubles, on their way to the host.
typedef struct dw_readback dw_readback;

// Begins to copy the elements of tensors on one GPU, one tensor after another, and returns at once.
dw_error dw_read_later(dw_readback **out, const dw_tensor *xs, int n);
dw_error dw_readback_ready(int *ready, const dw_readback *r);
dw_error dw_readback_values(double *values, int n, const dw_readback *r); // waits until they are ready
void dw_readback_free(dw_readback *r);

// loss/correct.cc: scalars, int64, on the logits' device, for logits (N, classes).
// The rows whose largest logit is that of the label, by labels (N) int64. A tie counts against the
// label, and so does NaN.
dw_error dw_count_correct(dw_tensor *out, dw_tensor logits, dw_tensor labels);
// The rows whose logits are above 0 for exactly the classes whose targets are above 0.5, by targets
// (N, classes).
dw_error dw_exact_matches(dw_tensor *out, dw_tensor logits, dw_tensor targets);

// tensors/tensors.cc: what dw_normalize_images computes, with the same bits, of bytes (n, h, w, 3)
// that are on a device already.
dw_error dw_normalize_pixels(dw_tensor *out, dw_tensor pixels, const double *mean, const double *std);

#ifdef __cplusplus
}
#endif
