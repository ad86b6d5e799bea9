// The C face of the fused optimizer updates. Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { DW_AVERAGE_ONLY, DW_SGD, DW_RMSPROP, DW_RMSPROP_TF, DW_ADAMW } dw_rule;

// Parameters that are updated with the same numbers. The lists beside `parameters` have the same length, or are NULL where
// the rule keeps none; all their tensors are laid out as the parameter is.
typedef struct {
  dw_rule rule;
  double lr, decay, momentum, dampening; // adamw: momentum is beta1
  double past, eps;                      // of the squares: alpha, beta2
  int64_t step;                          // from 1
  int nesterov;
  const dw_tensor *parameters, *momenta, *squares, *means, *averages;
  int n;
} dw_update_group;

typedef struct {
  const dw_update_group *groups;
  int n;
  double scale;          // of the gradients
  double max_norm;       // of the scaled gradients, which are scaled further to have at most that; 0: no limit
  double average_weight; // of a parameter in its average
} dw_update;

// What dw_update_step tells.
typedef struct {
  double norm;              // of the scaled gradients before the limit; 0 where there is none
  int missing_group, missing; // the first parameter without a gradient, else -1
} dw_updated;

// Whether dw_update_step can update tensors like these: float32 on the CPU, without gaps.
int dw_update_fits(const dw_tensor *x, int n);

// Updates the parameters by the gradients that they have. Nothing is changed where one has none, or where the limited norm
// is not finite.
dw_error dw_update_step(dw_updated *out, const dw_update *u);

#ifdef __cplusplus
}
#endif
