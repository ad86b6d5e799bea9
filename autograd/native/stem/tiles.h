// The stem's weight gradient with AMX tiles: dy's channels, transposed to run along the windows,
// times the windows' values.
#pragma once
#include "stem/rows.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kStemSums = 3 * kTile; // floats of a channel: nine of each tile are used

// sums (T tiles of channels, kStemSums) += transposed (channels, steps) times the three rows'
// values, whose steps are b_step apart. The sums of two tiles of channels and three rows take six
// registers, which leaves one for each operand.
template <int T>
FUSED_INLINE void multiply_windows(int steps, const uint32_t *transposed, size_t stride,
                                   const ThreeRows<uint32_t> &windows, size_t at, size_t b_step, float *sums) {
  const auto window = [&](int i, int s) { return windows.rows[i] + at + s * kTile * b_step; };
  const auto for_each_sum = [&](auto move) __attribute__((always_inline)) {
    move(std::integral_constant<int, 0>{}, sums), move(std::integral_constant<int, 1>{}, sums + kTile);
    move(std::integral_constant<int, 2>{}, sums + 2 * kTile);
    if constexpr (T == 2) {
      float *below = sums + kTile * kStemSums;
      move(std::integral_constant<int, 3>{}, below), move(std::integral_constant<int, 4>{}, below + kTile);
      move(std::integral_constant<int, 5>{}, below + 2 * kTile);
    }
  };
  for_each_sum([]<int R>(std::integral_constant<int, R>, float *p)
                   __attribute__((always_inline)) { tile_load<R>(p, kStemSums * 4); });
  for (int s = 0; s < steps; s++, transposed += kTile) {
    tile_load<6>(transposed, stride * 4);
    tile_load<7>(window(0, s), b_step * 4);
    tile_multiply<0, 6, 7>();
    tile_load<7>(window(1, s), b_step * 4);
    tile_multiply<1, 6, 7>();
    tile_load<7>(window(2, s), b_step * 4);
    tile_multiply<2, 6, 7>();
    if constexpr (T == 2) {
      tile_load<6>(transposed + kTile * stride, stride * 4);
      tile_multiply<5, 6, 7>();
      tile_load<7>(window(1, s), b_step * 4);
      tile_multiply<4, 6, 7>();
      tile_load<7>(window(0, s), b_step * 4);
      tile_multiply<3, 6, 7>();
    }
  }
  for_each_sum([]<int R>(std::integral_constant<int, R>, float *p)
                   __attribute__((always_inline)) { tile_store<R>(p, kStemSums * 4); });
}

// sums (channels, kStemSums) += the product of a row of dy (pairs of windows by channels) and the
// windows' values.
inline void stem_gradient_in_tiles(int pairs, int channels, const uint32_t *dy, size_t dy_stride,
                                   const ThreeRows<uint32_t> &windows, size_t b_step, float *sums) {
  Strip transposed; // 32 channels
  const TileShapes shapes(kTile);
  for (int begin = 0; begin < pairs; begin += kStripDepth) {
    const int count = pairs - begin < kStripDepth ? pairs - begin : kStripDepth, steps = (count + kTile - 1) / kTile;
    for (int c = 0; c < channels; c += kBlockTile) {
      const int tiles = channels - c < kBlockTile ? 1 : 2;
      for (int t = 0; t < tiles; t++)
        for (int s = 0; s < steps; s++)
          transpose(count - s * kTile < kTile ? count - s * kTile : kTile,
                    dy + (begin + s * kTile) * dy_stride + c + t * kTile, dy_stride,
                    transposed.elements + t * kTile * Strip::kStride + s * kTile, Strip::kStride);
      const auto multiply = tiles == 2 ? multiply_windows<2> : multiply_windows<1>;
      multiply(steps, transposed.elements, Strip::kStride, windows, begin * b_step, b_step, sums + c * kStemSums);
    }
  }
}

} // namespace depthwise::fused::FUSED_ISA
