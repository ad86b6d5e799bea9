// C interface of the fused optimizer updates. Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// Operations of an update program; fused.h (Op) gives the formulas.
typedef enum {
  DW_SCALE,
  DW_ADD_SCALED,
  DW_SUM_SCALED,
  DW_LERP_FROM_A,
  DW_LERP_FROM_B,
  DW_MUL,
  DW_ADD_PRODUCT,
  DW_ADD_ROUNDED_PRODUCT,
  DW_QUOTIENT,
  DW_ADD_QUOTIENT,
  DW_SQRT,
  DW_AFFINE_SQRT,
} dw_op;

// Limits of a program, and the numbers of its operands: 0 is the parameter, 1 its gradient, from 2
// on the other arrays, from DW_UPDATE_ARRAYS on the temporaries.
enum { DW_UPDATE_ARRAYS = 8, DW_UPDATE_TEMPORARIES = 8, DW_UPDATE_LENGTH = 32 };

typedef struct {
  dw_op op;
  int out, a, b, c; // operands; 0 where the operation has none
  float s, t;       // scalars
} dw_instruction;

// Parameters that the same program updates.
typedef struct {
  const dw_instruction *program;
  int length;
  const dw_tensor *parameters; // n
  // lists*n: list k holds operand k + 2 of every parameter, laid out in memory as the parameter.
  const dw_tensor *arrays;
  int n, lists;
} dw_update_group;

// The first parameter whose gradient a program reads and that has none, else -1.
typedef struct {
  int group, parameter;
} dw_missing;

// Whether dw_update_step can update tensors like these: float32 on the CPU, without gaps.
int dw_update_fits(const dw_tensor *x, int n);

// The L2 norm over all gradients that the programs read, summed in double in an order that does not
// depend on the threads.
dw_error dw_update_norm(double *norm, dw_missing *missing, const dw_update_group *groups, int n);

// Runs each group's program over its parameters, on all threads. Changes nothing where a gradient
// is missing.
dw_error dw_update_step(dw_missing *missing, const dw_update_group *groups, int n);

#ifdef __cplusplus
}
#endif
