// Normalization of images.
#pragma once
#include "cuda/kernels/tiles.h"
#include "cuda/kernels/types.h"

namespace depthwise::cuda {

// out (count, 3) = (pixels / 255 - mean) / std of `count` pixels of three bytes, from a table of the
// 3 x 256 values: divisions take longer. The operations are those of dw_normalize_images, so that the
// bits in float are the same. A thread has 16 pixels, 48 bytes: whole vectors of pixels and of results.
template <class T>
DW_KERNEL(kImageThreads, 1)
normalize_images(const unsigned char *__restrict__ pixels, T *__restrict__ out, long long count, dw_normalization p) {
  constexpr int kValues = kColors * kImagePixels, V = kWide<T>;
  DW_SHARED float table[kColors][256];
  for (int v = threadIdx.x; v < 256; v += kImageThreads)
    DW_UNROLL for (int c = 0; c < kColors; c++) table[c][v] = (float(v) / 255.0f - p.mean[c]) / p.std[c];
  __syncthreads();
  const long long pixel = ((long long)blockIdx.x * kImageThreads + threadIdx.x) * kImagePixels;
  if (pixel >= count) return;
  const unsigned char *from = pixels + kColors * pixel;
  T *to = out + kColors * pixel;
  const int present = count - pixel < kImagePixels ? kColors * int(count - pixel) : kValues;
  DW_UNROLL for (int i = 0; i < kValues; i += 16) {
    unsigned char bytes[16];
    if (present == kValues) {
      const Pack<float, 4> loaded = load<4>(reinterpret_cast<const float *>(from + i));
      DW_UNROLL for (int k = 0; k < 16; k++) bytes[k] = loaded.words[k / 4] >> (k % 4 * 8) & 0xff;
    } else {
      DW_UNROLL for (int k = 0; k < 16; k++) bytes[k] = i + k < present ? from[i + k] : 0;
    }
    DW_UNROLL for (int first = 0; first < 16; first += V) {
      float v[V];
      DW_UNROLL for (int k = 0; k < V; k++) v[k] = table[(i + first + k) % kColors][bytes[first + k]];
      Pack<T, V> result;
      pack(v, result);
      store_some(to + i + first, result, present - i - first);
    }
  }
}

} // namespace depthwise::cuda
