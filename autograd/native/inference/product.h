// The matrix products of inference: bias and activation in their epilogue, and tiles that suit few
// rows.
#pragma once
#include "pointwise/pointwise.h"

namespace depthwise::fused::FUSED_ISA {

// Height of the tiles for the tail rows of a block that fill no whole tile: one or two thirds of
// the full height. So 49 rows, those of a 7x7 layer, take the time of 52 rather than 60.
constexpr int kTailRows = kRows / 3;

// Rows past the last position that a product may read.
constexpr int kReadRows = kTailRows;

// Block sizes of inference. With tiles, products take so little time that loading weights and
// activations from beyond the second-level cache would take as long: a 224x224 batch of 32 reaches
// 1,547 images/s, 1,541 with blocks of 192 positions, and 1,450 without bands (two cores of a
// Granite Rapids, 2 MB each). Vectors gain nothing, and the threads of a single image would compute
// the bands' overlapping rows twice (7 % of it in float).
template <class E> constexpr int kInferPositions = kTiled<E> ? 392 : 192;
template <class E> constexpr size_t kInferBandBytes = kTiled<E> ? 512 << 10 : SIZE_MAX;

// Sets sums to the bias.
template <int R, int C> FUSED_INLINE void start_at(const float *bias, Tile<R, C> &tile, int column) {
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    V first = load(bias + column + c * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) tile.set(r, c, first);
  }
}

// Sums start at the bias, and are activated and stored in y.
template <class S> struct InferOutput {
  const float *bias;
  V cap;
  S *y; // the block's first row
  size_t columns;

  template <int R, int C> FUSED_MEMBER void start(Tile<R, C> &tile, int column) const { start_at(bias, tile, column); }

  template <int R, int C> FUSED_MEMBER void put(const Tile<R, C> &tile, int row, int column, int rows) const {
    S *to = y + row * columns + column;
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      if (r >= rows) break;
      V v[C];
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) v[c] = at_most(at_least(tile.get(r, c), V{}), cap);
      store_all(to + r * columns, v);
    }
  }
};

// The tiles of columns first to last of all rows: product.tile<rows, vectors>(row, column, valid
// rows).
template <int C, class Product>
FUSED_INLINE void for_each_row(const Product &product, int rows, int column, Prefetcher &prefetcher) {
  int r = 0;
  for (; rows - r > 2 * kTailRows; r += kRows) {
    prefetcher.fetch();
    product.template tile<kRows, C>(r, column, rows - r);
  }
  if (rows - r > kTailRows)
    product.template tile<2 * kTailRows, C>(r, column, rows - r);
  else if (rows > r)
    product.template tile<kTailRows, C>(r, column, rows - r);
}
template <class Product>
void for_each_tile(const Product &product, int rows, int first, int last, Prefetcher &prefetcher) {
  prefetcher.spread(int64_t((rows + kRows - 1) / kRows) * ((last - first + kColumns - 1) / kColumns));
  int column = first;
  for (; column + kColumns <= last; column += kColumns) for_each_row<kVectors>(product, rows, column, prefetcher);
  for (; column < last; column += kLanes) for_each_row<1>(product, rows, column, prefetcher);
}

// y = activation(A B + bias) for a block of rows: A (rows, depth), readable up to a multiple of
// kReadRows rows.
template <class S> struct InferProduct {
  const Element<S> *a;
  size_t stride; // elements between the rows of A
  int64_t depth; // elements
  const Element<S> *panels;
  InferOutput<S> output;

  template <int R, int C> FUSED_MEMBER void tile(int row, int column, int rows) const {
    Tile<R, C> tile;
    output.start(tile, column);
    multiply<true>(tile, depth, a + row * stride, stride, panels + column * depth, C * kLanes);
    output.put(tile, row, column, rows);
  }

  // Columns first to last of all rows.
  void multiply_columns(int rows, int first, int last, Prefetcher &prefetcher) const {
    for_each_tile(*this, rows, first, last, prefetcher);
  }
};

// The blocks and the stem with tile registers (inference/tiles_block.h, inference/tiles_stem.h).
size_t tile_panel_bytes(int in, int out);
void pack_tile_panels(const Workers &w, const PackPointwise &p);
size_t tile_block_scratch(const InferBlock &p);
void infer_block_in_tiles(char *scratch, const InferBlock &p);
size_t tile_stem_panel_bytes(int out);
void pack_tile_stem(const PackStem &p);
size_t tile_stem_scratch(const InferStem &p);
void infer_stem_in_tiles(char *scratch, const InferStem &p);

} // namespace depthwise::fused::FUSED_ISA
