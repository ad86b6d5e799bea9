// The C interface of the gradient reducer (distributed/reducer.cc). Conventions are those of native.h.
#pragma once
#include "distributed.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dw_reducer dw_reducer;

typedef struct {
  const dw_tensor *parameters; // leaves of one type on one device
  int n;
  const dw_tensor *statistics; // running statistics to average
  int n_statistics;
  int64_t first, middle, last; // bytes of buckets, see assign in distributed/buckets.h
  int summed;                  // the gradients are of sums: they are not multiplied by the rank's weight
  int bf16;                    // send gradients in bfloat16
  int deferred;                // begin no sum before dw_reducer_finish
} dw_reducer_options;

dw_error dw_reducer_new(dw_reducer **out, dw_process_group *group, const dw_reducer_options *options);
void dw_reducer_free(dw_reducer *reducer);

// A step: begin, the backward pass, finish. finish leaves the means at the parameters. Those without a gradient that must
// have one are listed in missing, which has a place for each parameter; nothing is averaged then.
dw_error dw_reducer_begin(dw_reducer *reducer, int64_t images, double weight);
dw_error dw_reducer_finish(dw_reducer *reducer, int *missing, int *n_missing);

// A bucket of the last step. Times are in seconds since dw_reducer_begin.
typedef struct {
  int parameters;      // how many
  int64_t bytes;       // as sent
  double begun, ended; // of the sum over ranks; it had ended when the reducer had waited for it
} dw_bucket;
// The buckets in the order in which they are sent; returns their number, of which out receives at most `places`. bucket_of
// has a place for each parameter. finish is when dw_reducer_finish was called, waited for how long it waited for sums.
int dw_reducer_times(dw_reducer *reducer, dw_bucket *out, int places, int *bucket_of, double *finish, double *waited);

#ifdef __cplusplus
}
#endif
