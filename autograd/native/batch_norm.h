// The C interface of batch norm: its tensors, and whose batches its statistics are of. Conventions are those of native.h.
#pragma once
#include "distributed.h"

#ifdef __cplusplus
extern "C" {
#endif

// Batch norm by the statistics of the batches of all ranks, as if they were one batch.
typedef struct {
  dw_process_group *group; // NULL: this process' batch alone
  double weight;           // what this rank's gradients are multiplied by when those of all ranks are added up
  int absent;              // this rank's images do not count: neither in the statistics nor in the loss
} dw_norm_sync;

// Batch norm in training: by the batch's statistics.
typedef struct {
  dw_tensor weight, bias, mean, var; // (C); the running mean and variance are updated
  double eps, momentum;
  int keep; // leaves the running statistics as they are
  dw_norm_sync sync;
} dw_batch_norm;

// distributed/batch_norm.cc: *out = x (N, C, ...) normalized by the statistics of all ranks, recorded in the graph; norm's
// group must not be NULL. All ranks must make the same calls in the same order, and so must their backward passes.
dw_error dw_sync_batch_norm(dw_tensor *out, dw_tensor x, const dw_batch_norm *norm);

#ifdef __cplusplus
}
#endif
