// Inference: a block's two convolutions in one tile. Rows of the depthwise convolution's output are
// written to scratch memory as operands of the 1x1 convolution, where the matrix product finds them
// in the cache; its epilogue adds the bias, activates and stores. Each output depends only on its
// own inputs, in an order that is the same in any tile, thread or batch.
#pragma once
#include "inference/depthwise.h"
#include "inference/product.h"
#include "pool/pool.h"
#include <time.h>

namespace depthwise::fused::FUSED_ISA {

// A thread's tile: whole rows of output, as many as make a good block of positions.
template <class S> struct InferTile {
  static constexpr size_t kBytes = 448 << 10; // of operands
  static constexpr int kPositions = 196;      // a 14x14 image
  int rows;                                   // maximum, of output
  size_t stride;                              // elements between positions
  Element<S> *a;                              // (positions, stride)

  template <class Memory> InferTile(Memory &memory, int depth, int out_width) {
    stride = row_stride(depth / kPack<Element<S>>);
    const size_t fit = kBytes / (stride * sizeof(Element<S>));
    rows = int(fit < kPositions ? fit : kPositions) / out_width;
    if (rows < 1) rows = 1;
    const size_t positions = size_t(rows) * out_width + kReadRows;
    a = memory.template take<Element<S>>(positions * stride);
  }

  // Rows per tile so that `all` rows are split as evenly as possible.
  int balanced_rows(int64_t all) const {
    const int64_t tiles = (all + rows - 1) / rows;
    return int((all + tiles - 1) / tiles);
  }

  // Clears the rows that a product reads past the last position, so that their values cost no time.
  void clear_tail(int positions) const {
    for (int r = positions; r % kTailRows != 0; r++) memset(static_cast<void *>(a + r * stride), 0, stride * sizeof *a);
  }
};

template <class S> size_t infer_panel_bytes(int in, int out) {
  if constexpr (kTiled<Element<S>>) return tile_panel_bytes(in, out);
  return panel_bytes<S>(in, out);
}

template <class S> void infer_pack_pointwise(const Workers &w, const PackPointwise &p) {
  if constexpr (kTiled<Element<S>>) return pack_tile_panels(w, p);
  pack_pointwise<S>(w, {p.in, p.out, p.weight, p.forward, nullptr});
}

template <class S> size_t infer_block_scratch(const InferBlock &p) {
  if constexpr (kTiled<Element<S>>) return tile_block_scratch(p);
  ScratchSize size;
  InferTile<S>(size, p.in, p.window.out_width);
  return size.bytes;
}

// Prefetches the existing rows of x under rows of output from `begin`.
template <class S>
FUSED_INLINE void prefetch_inputs(const InferBlock &p, int64_t begin, int64_t rows, Prefetcher &prefetcher) {
  const Window &w = p.window;
  const int64_t end = begin + rows < p.end ? begin + rows : p.end;
  if (begin >= end) return;
  const int64_t all = w.images * w.height, row_bytes = int64_t(w.width) * p.in * sizeof(S);
  int64_t from = begin / w.out_height * w.height + begin % w.out_height * w.stride;
  int64_t to = (end - 1) / w.out_height * w.height + (end - 1) % w.out_height * w.stride + 2;
  if (to > all) to = all;
  if (from < to) prefetcher.range(0, static_cast<const char *>(p.x) + from * row_bytes, (to - from) * row_bytes);
}

// Accumulates the times of each tile's parts. It reads the clock with the C function: an inline
// function of C++'s clock, compiled here for one ISA variant, could be linked where another runs.
struct TileClock {
  double *seconds; // null: not measured
  double at = seconds ? now() : 0;

  static double now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
  }
  void lap(int part) {
    if (!seconds) return;
    const double t = now();
    seconds[part] += t - at, at = t;
  }
};

// Keeps a thread's tiles configured from one kernel to the next.
static void infer_thread(void (*work)(void *), void *context) {
  const TilesInUse tiles;
  work(context);
}

template <class S> void infer_block(char *scratch, const InferBlock &p) {
  if constexpr (kTiled<Element<S>>) return infer_block_in_tiles(scratch, p);
  ScratchMemory memory{scratch};
  TileClock clock{p.seconds};
  InferTile<S> tile(memory, p.in, p.window.out_width);
  const size_t y_row = size_t(p.window.out_width) * p.out;
  const int step = tile.balanced_rows(p.end - p.begin);
  for (int64_t row = p.begin; row < p.end; row += step) {
    const int rows = int(p.end - row < step ? p.end - row : step), positions = rows * p.window.out_width;
    infer_depthwise<S>(p, row, rows, tile.a, tile.stride);
    tile.clear_tail(positions);
    clock.lap(0);
    Prefetcher prefetcher;
    prefetch_inputs<S>(p, row + rows, step, prefetcher);
    InferProduct<S>{tile.a,
                    tile.stride,
                    p.in / kPack<Element<S>>,
                    static_cast<const Element<S> *>(p.pointwise),
                    {p.pointwise_bias, set1(p.cap), static_cast<S *>(p.y) + row * y_row, size_t(p.out)}}
        .multiply_columns(positions, p.first, p.last, prefetcher);
    clock.lap(1);
  }
}

// The average of one image's values; p.activation does not change activated values.
template <class S> void infer_pool(const PoolForward &p) {
  for (int c = 0; c < p.channels; c += kLanes) pool_forward_block<S>(p, 0, c);
}

} // namespace depthwise::fused::FUSED_ISA

#if defined(__AMX_BF16__)
#include "inference/tiles_block.h"
#endif
