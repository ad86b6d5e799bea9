// The C face of the fused cross entropy. Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// The targets of n rows of logits: `share` of the row's own class and, where mixed_labels are given, the rest of its partner's;
// of both together 1 - smoothing, and the rest evenly over all classes.
typedef struct {
  const int64_t *labels, *mixed_labels; // mixed_labels may be NULL; share is 1 then
  int64_t n;
  double lambda, smoothing;
} dw_targets;

typedef struct {
  double loss;     // the mean over the rows
  int64_t correct; // rows whose greatest logit is that of the class with the larger share
} dw_cross_entropy_result;

// loss becomes a scalar of the graph.
dw_error dw_cross_entropy(dw_tensor *loss, dw_cross_entropy_result *scored, dw_tensor logits, const dw_targets *targets);

#ifdef __cplusplus
}
#endif
