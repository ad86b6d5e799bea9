// Batch norm's scale and shift with the activation function, and a residual sum.
#pragma once
#include "cuda/kernels/moments.h"

namespace depthwise::cuda {

// What scale_activate does; N rows at once.
template <int N, bool Added, class T>
DW_DEVICE void scale_activate_rows(const T *y, const float *coef, const T *residual, T *a, dw_rows m, int activation) {
  constexpr int V = kWide<T>;
  const int channel = first_channel(V);
  const Activation bounded(activation);
  float scale[V], shift[V];
  load_floats(coef + kScale * m.c + channel, scale);
  load_floats(coef + kShift * m.c + channel, shift);
  Pack<T, V> loaded[N], added[N];
  for_rows<N>(
      m, channel,
      [&](int i, long long at) {
        loaded[i] = load<V>(y + at);
        if (Added) added[i] = load<V>(residual + at);
      },
      [&](int i, long long at) {
        float v[V], r[V] = {};
        unpack(loaded[i], v);
        if (Added) unpack(added[i], r);
        DW_UNROLL for (int k = 0; k < V; k++) v[k] = bounded(fmaf(v[k], scale[k], shift[k])) + r[k];
        Pack<T, V> result;
        pack(v, result);
        store<V>(a + at, result);
      });
}

// a = activation(scale * y + shift) + residual, where scale and shift are of coef (4, c). residual
// may be null.
template <class T>
DW_KERNEL(kOneInput.threads, kOneInput.blocks)
scale_activate(const T *__restrict__ y, const float *__restrict__ coef, const T *__restrict__ residual,
               T *__restrict__ a, dw_rows m, int activation) {
  if (residual == nullptr)
    scale_activate_rows<kOneInput.rows, false>(y, coef, residual, a, m, activation);
  else
    scale_activate_rows<(kOneInput.rows + 1) / 2, true>(y, coef, residual, a, m, activation);
}

} // namespace depthwise::cuda
