// Backward of activation(batch norm(y)). With z = scale * y + shift and xhat = (y - mean) / std, the
// gradient of z is dz = da where the activation's slope at z is 1, else 0, and that of y is
//   dy = gamma / std * (dz - mean(dz) - xhat * mean(dz * xhat)) = dcoef0 * dz + dcoef1 * y + dcoef2.
#pragma once
#include "cuda/kernels/moments.h"

namespace depthwise::cuda {

// What a thread needs of N channels to compute dz and dy.
template <int N> struct NormBackward {
  float scale[N], shift[N], c0[N], c1[N], c2[N];
  Slope slope;

  DW_DEVICE NormBackward(const float *coef, const float *dcoef, int c, int channel, int activation)
      : slope(activation) {
    load_floats(coef + kScale * c + channel, scale);
    load_floats(coef + kShift * c + channel, shift);
    load_floats(dcoef + channel, c0);
    load_floats(dcoef + c + channel, c1);
    load_floats(dcoef + 2 * c + channel, c2);
  }
  DW_DEVICE float dy(float da, float y, int i) const {
    const float dz = slope(da, fmaf(y, scale[i], shift[i]));
    return fmaf(c0[i], dz, fmaf(c1[i], y, c2[i]));
  }
};

// partial (parts, 2, c): the sums of dz and of dz * xhat.
template <class T>
DW_KERNEL(kTwoInputs.threads, kTwoInputs.blocks)
norm_backward_sums(const T *__restrict__ da, const T *__restrict__ y, const float *__restrict__ coef,
                   float *__restrict__ partial, dw_rows m, int activation) {
  constexpr int V = kWide<T>, N = kTwoInputs.rows;
  const int channel = first_channel(V);
  const Slope slope(activation);
  float scale[V], shift[V], mean[V], sums[2][V] = {};
  load_floats(coef + kScale * m.c + channel, scale);
  load_floats(coef + kShift * m.c + channel, shift);
  load_floats(coef + kMean * m.c + channel, mean);
  Pack<T, V> gradients[N], values[N];
  for_rows<N>(
      m, channel, [&](int i, long long at) { gradients[i] = load<V>(da + at), values[i] = load<V>(y + at); },
      [&](int i, long long) {
        float g[V], v[V];
        unpack(gradients[i], g), unpack(values[i], v);
        DW_UNROLL for (int k = 0; k < V; k++) {
          const float dz = slope(g[k], fmaf(v[k], scale[k], shift[k]));
          sums[0][k] += dz, sums[1][k] = fmaf(dz, v[k] - mean[k], sums[1][k]);
        }
      });
  DW_UNROLL for (int k = 0; k < V; k++) sums[1][k] *= coef[kInverse * m.c + channel + k];
  store_block_sums(sums, partial + (long long)blockIdx.y * 2 * m.c, m.c);
}

// dcoef (3, c) of a channel, from its sums over n values.
DW_DEVICE void finish_norm_backward(double sum, double product, double n, int channel, int c,
                                    const float *__restrict__ gamma, const float *__restrict__ coef,
                                    float *__restrict__ dcoef) {
  const double mean = coef[kMean * c + channel], inverse = coef[kInverse * c + channel];
  const double c0 = double(gamma[channel]) * inverse, c1 = -c0 * inverse * product / n;
  dcoef[channel] = float(c0);
  dcoef[c + channel] = float(c1);
  dcoef[2 * c + channel] = float(-c0 * sum / n - c1 * mean);
}

// The gradients of gamma and beta, and dcoef (3, c).
DW_KERNEL(kFinishX *kFinishY, 1)
norm_backward_finish(const float *__restrict__ partial, int parts, dw_rows m, const float *__restrict__ gamma,
                     const float *__restrict__ coef, float *__restrict__ dgamma, float *__restrict__ dbeta,
                     float *__restrict__ dcoef) {
  const int channel = blockIdx.x * kFinishX + threadIdx.x;
  const bool inside = channel < m.c;
  double sums[2];
  sum_parts(partial, parts, 2 * m.c, {channel, m.c + channel}, inside, sums);
  if (threadIdx.y != 0 || !inside) return;
  dgamma[channel] = float(sums[1]);
  dbeta[channel] = float(sums[0]);
  finish_norm_backward(sums[0], sums[1], double(m.rows), channel, m.c, gamma, coef, dcoef);
}

// The gradient of y.
template <class T>
DW_KERNEL(kTwoInputs.threads, kTwoInputs.blocks)
norm_backward(const T *__restrict__ da, const T *__restrict__ y, const float *__restrict__ coef,
              const float *__restrict__ dcoef, T *__restrict__ dy, dw_rows m, int activation) {
  constexpr int V = kWide<T>, N = kTwoInputs.rows;
  const int channel = first_channel(V);
  const NormBackward<V> norm(coef, dcoef, m.c, channel, activation);
  Pack<T, V> gradients[N], values[N];
  for_rows<N>(
      m, channel, [&](int i, long long at) { gradients[i] = load<V>(da + at), values[i] = load<V>(y + at); },
      [&](int i, long long at) {
        float g[V], v[V];
        unpack(gradients[i], g), unpack(values[i], v);
        DW_UNROLL for (int k = 0; k < V; k++) v[k] = norm.dy(g[k], v[k], k);
        Pack<T, V> result;
        pack(v, result);
        store<V>(dy + at, result);
      });
}

} // namespace depthwise::cuda
