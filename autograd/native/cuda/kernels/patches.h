// The windows of a convolution of images as the rows of a matrix, so that it is a matrix product.
#pragma once
#include "cuda/kernels/tiles.h"
#include "cuda/kernels/types.h"

namespace depthwise::cuda {

// One value of an image, or zero.
DW_DEVICE bf16 value_at(const bf16 *p, bool inside) { return inside ? *p : bf16{0}; }
DW_DEVICE float value_at(const float *p, bool inside) { return inside ? *p : 0; }

DW_DEVICE void set_word(Pack<bf16, 8> &to, int i, bf16 v) { to.words[i / 2] |= unsigned(v.bits) << (i % 2 * 16); }
DW_DEVICE void set_word(Pack<float, 4> &to, int i, float v) { to.words[i] = as_bits(v); }

// out (n * out_h * out_w, kPatch): the values of x (n, h, w, 3) under each window of 3 x 3, in order of
// rows, columns and colors, then zeros. A block has a row of outputs; a thread stores 16 bytes.
template <class T> DW_KERNEL(kPatchThreads, 1) patches(const T *__restrict__ x, T *__restrict__ out, dw_window w) {
  constexpr int V = kWide<T>, kPerPixel = kPatch / V, kRun = 3 * kColors; // a window's row is one run
  const int image = blockIdx.x / w.out_h, top = (blockIdx.x - image * w.out_h) * w.stride - w.top;
  const T *from = x + ((long long)image * w.h + top) * w.w * kColors;
  T *to = out + (long long)blockIdx.x * w.out_w * kPatch;
  for (int i = threadIdx.x; i < w.out_w * kPerPixel; i += kPatchThreads) {
    const int pixel = i / kPerPixel, part = i % kPerPixel, left = (pixel * w.stride - w.left) * kColors;
    Pack<T, V> values = {};
    DW_UNROLL for (int k = 0; k < V; k++) {
      const int value = part * V + k, row = value / kRun, at = left + value - row * kRun;
      const bool inside = row < 3 && unsigned(top + row) < unsigned(w.h) && unsigned(at) < unsigned(w.w * kColors);
      set_word(values, k, value_at(from + (inside ? row * w.w * kColors + at : 0), inside));
    }
    store<V>(to + i * V, values);
  }
}

} // namespace depthwise::cuda
