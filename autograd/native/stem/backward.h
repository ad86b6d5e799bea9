// The stem, backward: its weight's gradient, which for each tap and channel is the sum over windows
// of the tap's value times the channel's dy. Rows of the padded image (stem/rows.h) are read in
// place, nine taps at a time, and the first tile that needs a row of dy computes it.
#pragma once
#include "stem/stem.h"
#if defined(__AMX_BF16__)
#include "stem/tiles.h"
#endif

namespace depthwise::fused::FUSED_ISA {

constexpr int kTapLanes = 2 * kLanes; // floats of a channel's weight gradient in scratch memory

// A tile: taps of a row by vectors of channels. All nine taps where there are enough registers for
// their sums.
#if defined(__AVX512F__)
constexpr int kTapRows = 9, kTapVectors = 2;
#elif defined(__AVX2__)
constexpr int kTapRows = 3, kTapVectors = 2;
#else
constexpr int kTapRows = 3, kTapVectors = 1;
#endif
constexpr int kTapColumns = kTapVectors * kLanes;

// Prefetches the next row of g and y into the first-level cache, some cache lines of each at a
// time, while the multipliers work. Without it 16 images of 224x224 took 3.7 ms instead of 2.4 in
// float32, and 1.87 instead of 1.40 in bfloat16 (a Zen 5 core, AVX-512).
struct NextRow {
  static constexpr int kSteps = 8; // of a product, between prefetches
  const char *g, *y;
  int lines; // per prefetch

  FUSED_MEMBER void fetch() {
    for (int i = 0; i < lines; i++, g += kCacheLine, y += kCacheLine) __builtin_prefetch(g), __builtin_prefetch(y);
  }
};

// A row of dy as a product's operand along the row: its inputs, and where it is stored.
template <class S> struct GradientRow {
  const S *g, *y; // (width, channels)
  int width, channels;
  const NormGradient &norm;
  Outer<S> kept; // (width, channels)
};

// tile += the product of R taps, tap_step elements apart, and C vectors of dy's channels, which are
// computed here and stored for multiply_kept.
template <int R, int C, class S>
FUSED_INLINE void multiply_made(Tile<R, C> &tile, const Element<S> *taps, size_t tap_step, const GradientRow<S> &row,
                                int column) {
  V c1[C], c2[C], c3[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; c++) {
    const int at = column + c * kLanes;
    c1[c] = load(row.norm.c1 + at), c2[c] = load(row.norm.c2 + at), c3[c] = load(row.norm.c3 + at);
  }
  constexpr int kPairs = kPack<Element<S>>;
  const size_t channels = row.channels, kept = row.kept.stride;
  const S *g = row.g + column, *y = row.y + column;
  Element<S> *to = row.kept.memory + column;
  const auto dy = [&](size_t at, int c) __attribute__((always_inline)) {
    at += c * kLanes;
    return multiply_add(load(g + at), c1[c], multiply_add(load(y + at), c2[c], c3[c]));
  };
  int left = row.width;
  do { // a do loop, so that GCC 12 spills no sums
    V columns[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; c++)
      if constexpr (kPairs == 2) {
        columns[c] = (V)pair_bf16(dy(0, c), left > 1 ? dy(channels, c) : V{});
        store(reinterpret_cast<float *>(to + c * kLanes), columns[c]);
      } else {
        store_operand<S>(to, c * kLanes, dy(0, c));
        columns[c] = load(to + c * kLanes);
      }
#pragma GCC unroll 16
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
      for (int c = 0; c < C; c++) tile.sums[r][c] = accumulate(tile.sums[r][c], taps + r, columns[c]);
    left -= kPairs, taps += tap_step, g += kPairs * channels, y += kPairs * channels, to += kept;
  } while (left > 0);
}

// tile += the product of R taps and the channels of dy that multiply_made stored.
template <int R, int C, class S>
FUSED_INLINE void multiply_kept(Tile<R, C> &tile, const Element<S> *taps, size_t tap_step, const GradientRow<S> &row,
                                int column, NextRow &next) {
  const Element<S> *from = row.kept.memory + column;
  int64_t left = Outer<S>::depth(row.width);
  do {
    next.fetch();
    multiply<false>(tile, left < next.kSteps ? left : next.kSteps, taps, tap_step, from, row.kept.stride);
    left -= next.kSteps, taps += next.kSteps * tap_step, from += next.kSteps * row.kept.stride;
  } while (left > 0);
}

// sums (R, C*kLanes) += what add(tile) adds to a tile.
template <int R, int C, class Add> FUSED_INLINE void add_tile(float *sums, size_t stride, Add add) {
  Tile<R, C> tile;
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) tile.set(r, c, load(sums + r * stride + c * kLanes));
  add(tile);
#pragma GCC unroll 16
  for (int r = 0; r < R; r++)
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) store(sums + r * stride + c * kLanes, tile.get(r, c));
}

// The tiles of C vectors of channels: sums (3, kLanes, channels), nine of whose kLanes rows are
// used.
template <int C, class S>
FUSED_INLINE void stem_columns(const ThreeRows<Element<S>> &windows, size_t step, const GradientRow<S> &row, int column,
                               NextRow &next, float *sums) {
  const size_t stride = row.channels;
  using Sums = Tile<kTapRows, C>;
  add_tile<kTapRows, C>(sums + column, stride, [&](Sums &tile) __attribute__((always_inline)) {
    multiply_made<kTapRows, C, S>(tile, windows.rows[0], step, row, column);
  });
  for (int tap = kTapRows; tap < kTaps; tap += kTapRows) {
    float *to = sums + (tap / kRun * kLanes + tap % kRun) * stride + column;
    add_tile<kTapRows, C>(to, stride, [&](Sums &tile) __attribute__((always_inline)) {
      multiply_kept<kTapRows, C, S>(tile, windows.rows[tap / kRun] + tap % kRun, step, row, column, next);
    });
  }
}

template <class S>
void stem_backward_row(const ThreeRows<Element<S>> &windows, size_t step, const GradientRow<S> &row, float *sums) {
  const int64_t depth = Outer<S>::depth(row.width);
  const size_t values = size_t(row.width) * row.channels;
  if constexpr (kTiled<Element<S>>) {
    Prefetcher prefetcher;
    prefetcher.range(0, row.g + values, values * sizeof(S));
    prefetcher.range(1, row.y + values, values * sizeof(S));
    prefetcher.spread(depth);
    gradient_rows<S>(row.width, row.channels, row.g, row.y, row.norm, nullptr, 0, row.kept, prefetcher);
    stem_gradient_in_tiles(int(depth), row.channels, row.kept.memory, row.kept.stride, windows, step, sums);
    return;
  }
  const int64_t times = (depth + NextRow::kSteps - 1) / NextRow::kSteps * (kTaps / kTapRows - 1) *
                        ((row.channels + kTapColumns - 1) / kTapColumns);
  NextRow next{reinterpret_cast<const char *>(row.g + values), reinterpret_cast<const char *>(row.y + values),
               int((values * sizeof(S) / kCacheLine + times - 1) / times)};
  int column = 0;
  for (; column + kTapColumns <= row.channels; column += kTapColumns)
    stem_columns<kTapVectors, S>(windows, step, row, column, next, sums);
  for (; column < row.channels; column += kLanes) stem_columns<1, S>(windows, step, row, column, next, sums);
}

// A part's weight gradient and a thread's block.
template <class S> struct StemBackwardMemory {
  float *dw;         // (out, kTapLanes)
  float *sums;       // the same during accumulation: (3, kLanes, out); with tile registers (out, 3, kLanes)
  Outer<S> gradient; // (out_width, out)
  StemRows<S, false> rows;

  template <class Memory>
  StemBackwardMemory(Memory &part, Memory &memory, const StemBackward &p)
      : dw(part.template take<float>(p.out * kTapLanes)), sums(memory.template take<float>(3 * kLanes * p.out)),
        gradient{memory.template take<Element<S>>((p.window.out_width + 1) * p.out), size_t(p.out)},
        rows(memory, p.window) {}

  // The sum of a channel and tap.
  float sum(int channels, int o, int tap) const {
    const int run = tap / kRun, value = tap % kRun;
    return kTiled<Element<S>> ? sums[(o * 3 + run) * kLanes + value] : sums[(run * kLanes + value) * channels + o];
  }
};

template <class S> Parts stem_backward_parts(int threads, const StemBackward &p) {
  ScratchSize sums, block;
  StemBackwardMemory<S>(sums, block, p);
  return {threads, stem_parts(threads, p.window), sums.bytes, block.bytes};
}

template <class S> size_t stem_backward_scratch(int threads, const StemBackward &p) {
  return stem_backward_parts<S>(threads, p).bytes();
}

template <class S> void stem_backward_part(const StemBackward &p, StemBackwardMemory<S> &memory, threads::Range part) {
  const S *g = static_cast<const S *>(p.g), *y = static_cast<const S *>(p.y);
  const size_t y_row = size_t(p.window.out_width) * p.out;
  memset(memory.sums, 0, 3 * kLanes * p.out * sizeof(float));
  for (int64_t row = part.begin; row < part.end; row++) {
    const auto windows = memory.rows.under(row, row == part.begin, stem_lines<S>(p.window, p.image));
    stem_backward_row<S>(windows, memory.rows.step,
                         {g + row * y_row, y + row * y_row, p.window.out_width, p.out, p.norm, memory.gradient},
                         memory.sums);
  }
  for (int o = 0; o < p.out; o++)
    for (int t = 0; t < kTapLanes; t++) memory.dw[o * kTapLanes + t] = t < kTaps ? memory.sum(p.out, o, t) : 0;
}

template <class S> void stem_backward(const Workers &w, const StemBackward &p) {
  const Parts parts = stem_backward_parts<S>(w.threads, p);
  for_each_part(w.threads, parts.count, [&](int part, int thread) {
    ScratchMemory sums{parts.sums_of(w, part)}, block{parts.block_of(w, thread)};
    StemBackwardMemory<S> memory(sums, block, p);
    stem_backward_part<S>(p, memory, stem_part(p.window, part, parts.count));
  });
  sum_weight_gradients(w, parts, 0, kTapLanes, p.weight_out, kTaps, p.dw);
}

} // namespace depthwise::fused::FUSED_ISA
