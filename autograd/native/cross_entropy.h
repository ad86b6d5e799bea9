// The C interface of the fused cross entropy. Conventions are those of native.h.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// The targets of n rows of logits: weight lambda for the row's own label and 1 - lambda for its
// mixed label, if given; both scaled by 1 - smoothing, and smoothing spread evenly over all
// classes.
typedef struct {
  const int64_t *labels, *mixed_labels; // mixed_labels may be NULL; lambda is 1 then
  int64_t n;
  double lambda, smoothing;
  const double *class_weights; // factor of the terms of each class; NULL: 1
  int64_t weighted;            // the number of class weights
  double gamma;                // focal loss: each log probability is multiplied by (1 - probability)^gamma
} dw_targets;

typedef struct {
  double loss; // the mean over the rows; with class weights weighted by those of the labels, unless labels are mixed
  int64_t correct; // rows whose largest logit is that of the label with the larger weight
} dw_cross_entropy_result;

// loss is a scalar of the graph.
dw_error dw_cross_entropy(dw_tensor *loss, dw_cross_entropy_result *result, dw_tensor logits,
                          const dw_targets *targets);

#ifdef __cplusplus
}
#endif
