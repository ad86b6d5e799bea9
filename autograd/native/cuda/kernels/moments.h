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

// Batch norm's parameters and running statistics (c); the latter may be null.
struct Norm {
  float eps, momentum;
  const float *__restrict__ gamma, *__restrict__ beta;
  float *running_mean, *running_var;
};

// From a channel's sums over n values: coef (4, c), the mean, 1/std, and scale and shift that normalize y and apply gamma
// and beta. std is of the biased variance plus eps. The running statistics are updated with `momentum`, the variance with
// the unbiased one, as libtorch does.
DW_DEVICE void finish_moments(double sum, double square, double n, int channel, int c, const Norm &norm, float *coef) {
  const double mean = sum / n;
  double variance = square / n - mean * mean;
  if (variance < 0) variance = 0; // by rounding
  const double inverse = 1 / sqrt(variance + double(norm.eps)), scale = inverse * double(norm.gamma[channel]);
  coef[kMean * c + channel] = float(mean);
  coef[kInverse * c + channel] = float(inverse);
  coef[kScale * c + channel] = float(scale);
  coef[kShift * c + channel] = float(double(norm.beta[channel]) - mean * scale);
  if (norm.running_mean == nullptr) return;
  const double unbiased = n > 1 ? variance * n / (n - 1) : variance, momentum = norm.momentum;
  norm.running_mean[channel] = float((1 - momentum) * norm.running_mean[channel] + momentum * mean);
  norm.running_var[channel] = float((1 - momentum) * norm.running_var[channel] + momentum * unbiased);
}

// finish_moments of the sums of `moments` or of `depthwise_forward`.
DW_KERNEL(kFinishX *kFinishY, 1)
moments_finish(const float *__restrict__ partial, int parts, dw_rows m, float eps, float momentum,
               const float *__restrict__ gamma, const float *__restrict__ beta, float *running_mean, float *running_var,
               float *__restrict__ coef) {
  const int channel = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = channel < m.c;
  double sums[2];
  sum_parts(partial, parts, 2 * m.c, {channel, m.c + channel}, inside, sums);
  if (threadIdx.y != 0 || !inside) return;
  finish_moments(sums[0], sums[1], double(m.rows), channel, m.c,
                 {eps, momentum, gamma, beta, running_mean, running_var}, coef);
}

} // namespace depthwise::cuda
