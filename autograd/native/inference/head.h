// The classifier for inference: logits = features W^T + bias, in float whatever type the backbone
// uses. Each logit is summed in the same order in any tile, thread or batch.
#pragma once
#include "inference/product.h"

namespace depthwise::fused::FUSED_ISA {

// Sums start at the bias and are stored in rows of as many logits as there are classes.
struct HeadOutput {
  const float *bias;
  float *y;
  int classes;

  template <int R, int C> FUSED_MEMBER void put(const Tile<R, C> &tile, int row, int column, int rows) const {
    for (int r = 0; r < R && r < rows; r++)
      for (int c = 0; c < C; c++) {
        const int first = column + c * kLanes, n = classes - first < kLanes ? classes - first : kLanes;
        const V v = tile.get(r, c);
        if (n > 0) memcpy(y + size_t(row + r) * classes + first, &v, n * sizeof(float));
      }
  }
};

struct HeadProduct {
  // Features per partial sum: logits of 1024 features were off by 1.5e-7 this way, and by 4.4e-7
  // with a single sum each (libtorch's by 1.9e-7), in the same time.
  static constexpr int kDepth = 128;

  const float *features;
  size_t stride; // floats between images
  int depth;
  const float *panels;
  HeadOutput output;

  template <int R, int C> FUSED_MEMBER void tile(int row, int column, int rows) const {
    Tile<R, C> sums;
    start_at(output.bias, sums, column);
    const float *a = features + row * stride, *panel = panels + size_t(column) * depth;
    for (int k = 0; k < depth; k += kDepth) {
      Tile<R, C> part{};
      const int n = depth - k < kDepth ? depth - k : kDepth;
      multiply<true>(part, n, a + k, stride, panel + size_t(k) * C * kLanes, C * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int c = 0; c < C; c++) sums.set(r, c, sums.get(r, c) + part.get(r, c));
    }
    output.put(sums, row, column, rows);
  }
};

static void infer_head(const InferHead &p) {
  const HeadProduct product{
      p.features, p.stride, p.in, static_cast<const float *>(p.weight), {p.bias, p.logits, p.classes}};
  Prefetcher prefetcher;
  for_each_tile(product, p.images, p.first, p.last, prefetcher);
}

} // namespace depthwise::fused::FUSED_ISA
