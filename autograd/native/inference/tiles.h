// Inference's matrix products with tile registers (gemm/amx.h). A block of positions is laid out as
// (steps, positions, 32): each step of 32 values along the reduction is a separate array, so that a
// tile of 16 positions is 1 KB without gaps, and the depthwise convolution writes one cache line
// after another.
//
// While a block of 32 positions by 32 channels is multiplied, the previous block's sums are
// activated, rounded and stored, a few rows per step: tile and vector units work at the same time,
// however short the reduction is.
#pragma once
#include "inference/product.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kStep = 2 * kTile; // values of a tile along the reduction

constexpr int whole_steps(int channels) { return (channels + kStep - 1) / kStep * kStep; }

// The order of a step's 32 values: even channels first, then odd ones. So the depthwise convolution
// can separate them by a shift and a mask, and need not interleave them again. A final half step of
// 16 channels keeps its order.
struct StepOrder {
  int channels; // of the step: 32 or 16
  int operator()(int place) const {
    return channels < kStep ? place : place < kTile ? 2 * place : 2 * (place - kTile) + 1;
  }
};

// Panels [out/kColumns][whole_steps(in)/2][kColumns] of pairs, the last one possibly narrower; zero
// beyond the channels.
inline size_t tile_panel_bytes(int in, int out) { return size_t(whole_steps(in)) * padded(out) * sizeof(bf16); }

// Packs the 16 columns from `column` of weight (out, in) to their place in the panel, `to`; steps
// are width elements apart.
inline void pack_tile_columns(const PackPointwise &p, int column, uint32_t *to, int width) {
  const int columns = p.out - column < kLanes ? p.out - column : kLanes;
  for (int first = 0; first < p.in; first += kStep) {
    alignas(kCacheLine) float block[kStep][kLanes];
    for (int half = 0; half < kStep; half += kLanes) {
      const int left = p.in - first - half, depth = left < 0 ? 0 : left < kLanes ? left : kLanes;
      WeightBlock outputs;
      read_block(columns, depth, p.weight + size_t(column) * p.in + first + half, p.in, outputs);
      transpose(kLanes, outputs.rows[0], kLanes, block[half], kLanes);
    }
    const int rest = padded(p.in) - first;
    const StepOrder order{rest < kStep ? rest : kStep};
    for (int k = 0; k < kStep; k += 2, to += width) store_pairs(to, load(block[order(k)]), load(block[order(k + 1)]));
  }
}

inline void pack_tile_panels(const Workers &w, const PackPointwise &p) {
  const int all = padded(p.out);
  threads::for_each(w.threads, all / kLanes, 1, [&](int64_t i) {
    const int column = int(i) * kLanes;
    const int first = column / kColumns * kColumns, width = all - first < kColumns ? kLanes : kColumns;
    uint32_t *to = static_cast<uint32_t *>(p.forward) + size_t(first) * whole_steps(p.in) / 2 + (column - first);
    pack_tile_columns(p, column, to, width);
  });
}

// A block of A, (steps, pitch, 32): positions' values, one step after another.
struct TileOperands {
  bf16 *at;
  size_t pitch; // positions from one step to the next
  int steps;

  // Steps are an odd multiple of half the first-level cache's 64 sets apart: two tiles' rows fill
  // one half of the sets, the next step's the other half.
  static size_t pitch_of(size_t positions) { return (positions + 31) / 64 * 64 + 32; }

  FUSED_MEMBER bf16 *step(int s) const { return at + s * pitch * kStep; }
};

// min(max(v, 0), cap). Without a cap (ReLU) the comparison is omitted: rounding and storing is half
// of a short product's vector work.
template <bool kCapped> struct Activate {
  V cap;
  FUSED_MEMBER V operator()(V v) const {
    v = at_least(v, V{});
    if constexpr (kCapped) v = at_most(v, cap);
    return v;
  }
};

// Sums to be finished: (rows, kBlockTile) floats, of which the first 16 or all 32 columns are used.
struct TileSums {
  const float *sums;
  bf16 *y; // of the first row and column
  int rows = 0, columns = 0;

  bool whole() const { return rows == kBlockTile && columns == kBlockTile; }
};

// The blocks of columns first to last of all rows: product.multiply<tiles of rows, of columns>(row,
// column, sums, before, prefetcher). A block's sums are finished during the next block.
template <class Product, class Output>
FUSED_INLINE void for_each_block(const Product &product, const Output &output, int rows, int first, int last,
                                 Prefetcher &prefetcher) {
  alignas(kCacheLine) float sums[kBlockTile * kBlockTile];
  TileSums before{};
  for (int column = first; column < last; column += kBlockTile)
    for (int row = 0; row < rows; row += kBlockTile) {
      const bool tall = rows - row > kTile, wide = last - column > kTile;
      if (tall && wide)
        product.template multiply<2, 2>(row, column, sums, before, prefetcher);
      else if (tall)
        product.template multiply<2, 1>(row, column, sums, before, prefetcher);
      else if (wide)
        product.template multiply<1, 2>(row, column, sums, before, prefetcher);
      else
        product.template multiply<1, 1>(row, column, sums, before, prefetcher);
      before = {sums, output.y + row * output.channels + column, rows - row < kBlockTile ? rows - row : kBlockTile,
                wide ? kBlockTile : kTile};
    }
  output.finish(before);
}

// y = activation(A B + bias), by blocks of up to 2 x 2 tiles.
template <bool kCapped> struct TileProduct {
  TileOperands a;
  const uint32_t *panels;
  const float *bias;
  Activate<kCapped> activate;
  bf16 *y; // of the first position
  size_t channels;

  template <int kRows> FUSED_MEMBER void finish_rows(const float *from, bf16 *to, size_t step) const {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++, from += kBlockTile, to += step) {
      const V both[2] = {activate(load(from)), activate(load(from + kTile))};
      store_all(to, both);
    }
  }
  // Finishes all rows.
  void finish(const TileSums &s) const {
    const float *from = s.sums;
    bf16 *to = s.y;
    for (int r = 0; r < s.rows; r++, from += kBlockTile, to += channels)
      if (s.columns == kBlockTile)
        finish_rows<1>(from, to, channels);
      else
        store(to, activate(load(from)));
  }

  // Computes R x C tiles at a row and a column into sums, while finishing the previous sums, which
  // are in the same memory.
  template <int R, int C>
  FUSED_MEMBER void multiply(int row, int column, float *sums, const TileSums &before, Prefetcher &prefetcher) const {
    if (R == 1 || C == 1 || !before.whole()) {
      finish(before);
      multiply_and_finish<R, C, 0>(row, column, sums, before, prefetcher);
    } else if (a.steps == 1) {
      multiply_and_finish<R, C, 8>(row, column, sums, before, prefetcher);
    } else if (a.steps < 4) {
      multiply_and_finish<R, C, 4>(row, column, sums, before, prefetcher);
    } else if (a.steps < 8) {
      multiply_and_finish<R, C, 2>(row, column, sums, before, prefetcher);
    } else if (a.steps < 16) {
      multiply_and_finish<R, C, 1>(row, column, sums, before, prefetcher);
    } else if (a.steps < 32) {
      multiply_and_finish<R, C, 1, 2>(row, column, sums, before, prefetcher);
    } else {
      multiply_and_finish<R, C, 1, 4>(row, column, sums, before, prefetcher);
    }
  }

  // Finishes kRows rows after each kEvery-th product, until all are done.
  template <int R, int C, int kRows, int kEvery = 1>
  FUSED_MEMBER void multiply_and_finish(int row, int column, float *sums, const TileSums &before,
                                        Prefetcher &prefetcher) const {
    const bf16 *left = a.at + row * kStep;
    const uint32_t *b = panels + size_t(column) * a.steps * kTile;
    const float *from = sums, *const end = sums + (kRows > 0 ? kBlockTile * kBlockTile : 0);
    bf16 *to = before.y;
    const size_t step = channels, pitch = a.pitch * kStep;
    const auto finish = [&]() __attribute__((always_inline)) {
      if constexpr (kRows > 0) finish_rows<kRows>(from, to, step), from += kRows * kBlockTile, to += kRows * step;
    };
    load_sums<R, C>(bias + column, 0); // the same for every row
    for (int s = a.steps; s > 0; s--, left += pitch, b += kTile * C * kTile) {
      tile_load<tile_b(0)>(b, C * kTile * 4);
      tile_load_t1<tile_a(0)>(left, kStep * 2);
      if constexpr (C == 2) tile_load<tile_b(1)>(b + kTile, C * kTile * 4);
      if constexpr (R == 2) tile_load_t1<tile_a(1)>(left + kTile * kStep, kStep * 2);
      const bool finishes = from < end;
      tile_multiply<tile_sums(0, 0), tile_a(0), tile_b(0)>();
      if (finishes) finish();
      if constexpr (C == 2) tile_multiply<tile_sums(0, 1), tile_a(0), tile_b(1)>();
      if (kEvery < 2 && finishes) finish();
      if constexpr (R == 2) tile_multiply<tile_sums(1, 0), tile_a(1), tile_b(0)>();
      if (kEvery < 4 && finishes) finish();
      if constexpr (R == 2 && C == 2) tile_multiply<tile_sums(1, 1), tile_a(1), tile_b(1)>();
      if (kEvery < 2 && finishes) finish();
      prefetcher.fetch();
    }
    store_sums<R, C>(sums, kBlockTile);
  }

  // Prefetches the panels of columns first to last, one panel ahead of their products.
  void prefetch_panels(int first, int last, Prefetcher &prefetcher) const {
    const size_t column = size_t(a.steps) * kTile * sizeof(uint32_t);
    const int next = first + kBlockTile;
    if (next < last)
      prefetcher.range(1, reinterpret_cast<const char *>(panels) + next * column, (last - next) * column);
  }

  // Columns first to last of all rows.
  void multiply_columns(int rows, int first, int last, Prefetcher &prefetcher) const {
    const int64_t blocks =
        int64_t((rows + kBlockTile - 1) / kBlockTile) * ((last - first + kBlockTile - 1) / kBlockTile);
    prefetcher.spread(blocks * a.steps);
    for_each_block(*this, *this, rows, first, last, prefetcher);
  }
};

} // namespace depthwise::fused::FUSED_ISA
