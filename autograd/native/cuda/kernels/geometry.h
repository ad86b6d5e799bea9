// Grids for shapes. Host only. Launches depend on the shape and on the number of multiprocessors
// alone, and results on the number of parts, so that a GPU repeats its results.
#pragma once
#include "cuda/kernels/shapes.h"
#include "cuda/kernels/tiles.h"

namespace depthwise::cuda {

// The lanes of a block of `threads` for n channels or groups of them: the most that divide n, up to a
// warp's 32. A number without such divisors gets more, because few lanes would read few
// consecutive bytes.
inline int lanes_of(int n, int threads) {
  auto divisor = [n](int most) {
    while (n % most != 0) most--;
    return most;
  };
  const int lanes = divisor(n < 32 ? n : 32);
  return lanes >= 8 || n <= 32 ? lanes : divisor(n < threads ? n : threads);
}

// Whether the kernels can compute a shape; else the caller uses libtorch's operations.
inline bool rows_supported(const dw_rows &m) { return m.rows > 0 && m.c > 0 && m.c % 8 == 0; }

inline bool depthwise_supported(const dw_window &w) {
  const long long in = (long long)w.h * w.w * w.c, out = (long long)w.out_h * w.out_w * w.c;
  constexpr long long kLargest = 1LL << 30; // offsets in an image, a few rows more included, are ints
  const bool padded = w.top >= 0 && w.left >= 0 && w.top < w.kernel && w.left < w.kernel;
  return w.n > 0 && w.c > 0 && w.c % 8 == 0 && (w.kernel == 3 || w.kernel == 5) && (w.stride == 1 || w.stride == 2) &&
         padded && w.h > 0 && w.w > 0 && w.out_h > 0 && w.out_w > 0 && in <= kLargest && out <= kLargest &&
         (w.out_h - 1) * w.stride - w.top < w.h && (w.out_w - 1) * w.stride - w.left < w.w;
}

// Elementwise kernels: enough blocks to fill the multiprocessors, or as many as there are rows.
inline Launch rows_launch(const dw_rows &m, int channels, const Stream &s, int processors) {
  const int lanes = lanes_of(m.c / channels, s.threads), slices = m.c / channels / lanes, y = s.threads / lanes;
  const long long most = (m.rows + y - 1) / y, filling = (processors * s.blocks + slices - 1) / slices;
  return {unsigned(slices), unsigned(most < filling ? most : filling), unsigned(lanes), unsigned(y), 0};
}

// bytes: of the storage type, 2 or 4.
inline Launch moments_launch(const dw_rows &m, int bytes, int processors) {
  return rows_launch(m, 16 / bytes, kOneInput, processors);
}
inline Launch scale_activate_launch(const dw_rows &m, int bytes, int processors) {
  return rows_launch(m, 16 / bytes, kOneInput, processors);
}
inline Launch norm_backward_sums_launch(const dw_rows &m, int bytes, int processors) {
  return rows_launch(m, 16 / bytes, kTwoInputs, processors);
}
inline Launch norm_backward_launch(const dw_rows &m, int bytes, int processors) {
  return rows_launch(m, 16 / bytes, kTwoInputs, processors);
}

inline Launch finish_launch(int sums) {
  return {unsigned((sums + kFinishX - 1) / kFinishX), 1, unsigned(kFinishX), unsigned(kFinishY), 0};
}
inline Launch moments_finish_launch(int c) { return finish_launch(c); }
inline Launch norm_backward_finish_launch(int c) { return finish_launch(c); }
inline Launch rank_sums_launch(int c) { return finish_launch(2 * c); }
inline Launch moments_finish_ranks_launch(int c) { return finish_launch(c); }
inline Launch norm_backward_finish_ranks_launch(int c) { return finish_launch(c); }
inline Launch depthwise_backward_finish_launch(int taps, int c) { return finish_launch(taps * c); }

inline Launch normalize_images_launch(long long count) {
  constexpr long long kPixels = (long long)kImageThreads * kImagePixels; // of a block
  return {unsigned((count + kPixels - 1) / kPixels), 1, unsigned(kImageThreads), 1, 0};
}

inline bool patches_supported(const dw_window &w) {
  return w.n > 0 && w.c == kColors && w.kernel == 3 && w.stride > 0 && w.top >= 0 && w.left >= 0 && w.h > 0 &&
         w.w > 0 && w.out_h > 0 && w.out_w > 0 && (long long)w.h * w.w < 1 << 28 &&
         (long long)w.n * w.out_h < 1LL << 31;
}
inline Launch patches_launch(const dw_window &w) {
  return {unsigned(w.n) * unsigned(w.out_h), 1, unsigned(kPatchThreads), 1, 0};
}

// Depthwise kernels over `height` x `width` positions: of the lengths of strips, the one with which
// the busiest threads do the fewest steps. A strip costs `before` steps before its first row, and
// about two for its start.
inline Launch strips_launch(const dw_window &w, int height, int width, int before, const Tile &t, int processors) {
  const int lanes = lanes_of(w.c / t.channels, t.threads), slices = w.c / t.channels / lanes, y = t.threads / lanes;
  const long long across = (width + t.columns - 1) / t.columns;
  const long long filling = (processors * t.blocks + slices - 1) / slices;
  Launch best{unsigned(slices), 1, unsigned(lanes), unsigned(y), height};
  long long least = -1;
  for (int down = 1; down <= height; down++) {
    const int rows = (height + down - 1) / down;
    if (down > 1 && rows < 4) break;
    const long long strips = w.n * across * ((height + rows - 1) / rows), blocks = (strips + y - 1) / y;
    const long long each = (blocks + filling - 1) / filling, cost = each * (rows + before + 2);
    if (least >= 0 && cost >= least) continue;
    least = cost;
    best.blocks_y = unsigned((blocks + each - 1) / each), best.rows = rows;
  }
  return best;
}

inline Tile forward_tile(const dw_window &w) {
  if (w.kernel == 3) return w.stride == 1 ? Forward<3, 1>::tile : Forward<3, 2>::tile;
  return w.stride == 1 ? Forward<5, 1>::tile : Forward<5, 2>::tile;
}
inline Tile backward_tile(const dw_window &w) {
  if (w.kernel == 3) return w.stride == 1 ? Backward<3, 1>::tile : Backward<3, 2>::tile;
  return w.stride == 1 ? Backward<5, 1>::tile : Backward<5, 2>::tile;
}

inline Launch depthwise_forward_launch(const dw_window &w, int processors) {
  return strips_launch(w, w.out_h, w.out_w, (w.kernel - 1) / w.stride, forward_tile(w), processors);
}
inline Launch depthwise_inference_launch(const dw_window &w, int processors) {
  return depthwise_forward_launch(w, processors);
}
inline Launch depthwise_backward_launch(const dw_window &w, int processors) {
  const int height = (w.h - 1 + w.top) / w.stride + 1, width = (w.w - 1 + w.left) / w.stride + 1;
  return strips_launch(w, height, width, (w.kernel - 1) / w.stride, backward_tile(w), processors);
}

} // namespace depthwise::cuda
