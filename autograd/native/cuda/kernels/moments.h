// Batch norm's statistics: sums over the batch, then the coefficients that normalize it.
#pragma once
#include "cuda/kernels/reduce.h"
#include "cuda/kernels/rows.h"

namespace depthwise::cuda {

// partial (parts, 2, c): the sums of y and of its squares.
template <class T>
DW_KERNEL(kOneInput.threads, kOneInput.blocks)
moments(const T *__restrict__ y, float *__restrict__ partial, dw_rows m) {
  constexpr int V = kWide<T>;
  const int channel = first_channel(V);
  float sums[2][V] = {};
  Pack<T, V> loaded[kOneInput.rows];
  for_rows<kOneInput.rows>(
      m, channel, [&](int i, long long at) { loaded[i] = load<V>(y + at); },
      [&](int i, long long) {
        float v[V];
        unpack(loaded[i], v);
        DW_UNROLL for (int k = 0; k < V; k++) sums[0][k] += v[k], sums[1][k] = fmaf(v[k], v[k], sums[1][k]);
      });
  store_block_sums(sums, partial + (long long)blockIdx.y * 2 * m.c, m.c);
}

// The rows of coef (4, c).
enum { kMean, kInverse, kScale, kShift };

// From the sums of `moments` or of `depthwise_forward`: coef (4, c), the mean, 1/std, and scale and
// shift that normalize y and apply gamma and beta. std is of the biased variance plus eps. The
// running statistics are updated with `momentum`, the variance with the unbiased one, as libtorch
// does.
DW_KERNEL(kFinishX *kFinishY, 1)
moments_finish(const float *__restrict__ partial, int parts, dw_rows m, float eps, float momentum,
               const float *__restrict__ gamma, const float *__restrict__ beta, float *running_mean, float *running_var,
               float *__restrict__ coef) {
  const int channel = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = channel < m.c;
  double sums[2];
  sum_parts(partial, parts, 2 * m.c, {channel, m.c + channel}, inside, sums);
  if (threadIdx.y != 0 || !inside) return;
  const double n = double(m.rows), mean = sums[0] / n;
  double variance = sums[1] / n - mean * mean;
  if (variance < 0) variance = 0; // by rounding
  const double inverse = 1 / sqrt(variance + double(eps)), scale = inverse * double(gamma[channel]);
  coef[kMean * m.c + channel] = float(mean);
  coef[kInverse * m.c + channel] = float(inverse);
  coef[kScale * m.c + channel] = float(scale);
  coef[kShift * m.c + channel] = float(double(beta[channel]) - mean * scale);
  if (running_mean == nullptr) return;
  const double unbiased = n > 1 ? variance * n / (n - 1) : variance;
  running_mean[channel] = float((1 - double(momentum)) * running_mean[channel] + double(momentum) * mean);
  running_var[channel] = float((1 - double(momentum)) * running_var[channel] + double(momentum) * unbiased);
}

} // namespace depthwise::cuda
