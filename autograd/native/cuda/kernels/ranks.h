// Batch norm by the statistics of several ranks: the sums of this one, which are then added up over all ranks, and what
// follows from the totals.
#pragma once
#include "cuda/kernels/norm_backward.h"

namespace depthwise::cuda {

// From partial (parts, 2, c) of `moments`, `depthwise_forward` or `norm_backward_sums`: sums (2*c + 1), the two sums of each
// channel times `factor`, and last the number of values `n`. A factor of 0 is 0 whatever the sums are. own (2, c), if not
// null, gets the sums themselves.
DW_KERNEL(kFinishX *kFinishY, 1)
rank_sums(const float *__restrict__ partial, int parts, int c, double factor, double n, double *__restrict__ sums,
          float *__restrict__ own) {
  const int column = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = column < 2 * c;
  double sum[1];
  sum_parts(partial, parts, 2 * c, {column}, inside, sum);
  if (threadIdx.y != 0 || !inside) return;
  sums[column] = factor != 0 ? factor * sum[0] : 0;
  if (column == 0) sums[2 * c] = n;
  if (own != nullptr) own[column] = float(sum[0]);
}

// finish_moments of the totals of all ranks.
DW_KERNEL(kFinishX *kFinishY, 1)
moments_finish_ranks(const double *__restrict__ sums, int c, float eps, float momentum, const float *__restrict__ gamma,
                     const float *__restrict__ beta, float *running_mean, float *running_var,
                     float *__restrict__ coef) {
  const int channel = blockIdx.x * kFinishX + threadIdx.x;
  if (threadIdx.y != 0 || channel >= c) return;
  finish_moments(sums[channel], sums[c + channel], sums[2 * c], channel, c,
                 {eps, momentum, gamma, beta, running_mean, running_var}, coef);
}

// finish_norm_backward of the totals of all ranks times `returned`.
DW_KERNEL(kFinishX *kFinishY, 1)
norm_backward_finish_ranks(const double *__restrict__ sums, int c, double returned, const float *__restrict__ gamma,
                           const float *__restrict__ coef, float *__restrict__ dcoef) {
  const int channel = blockIdx.x * kFinishX + threadIdx.x;
  if (threadIdx.y != 0 || channel >= c) return;
  finish_norm_backward(sums[channel] * returned, sums[c + channel] * returned, sums[2 * c], channel, c, gamma, coef,
                       dcoef);
}

} // namespace depthwise::cuda
