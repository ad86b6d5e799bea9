// The C interface to loss scaling for training in float16; see autograd.List.Unscale. Conventions are
// those of native.h; loss/scale.cc implements it. All state stays on the device: the host does not
// wait.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// Multiplies gradients by inverse and sets found to 1 if one of them is not finite; both are float32
// scalars on the gradients' device.
dw_error dw_list_unscale(const dw_tensor *gradients, int n, dw_tensor found, dw_tensor inverse);

// Overwrites x with kept where when, a scalar of 0 or 1, is 1.
dw_error dw_list_restore(const dw_tensor *x, const dw_tensor *kept, int n, dw_tensor when);

// Multiplies scale, a float32 scalar, by backoff if found is 1, and by growth after so many steps in a
// row in which it was 0, which growth_tracker, an int32 scalar, counts.
dw_error dw_update_loss_scale(dw_tensor scale, dw_tensor growth_tracker, dw_tensor found, double growth, double backoff,
                              int64_t interval);

#ifdef __cplusplus
}
#endif
