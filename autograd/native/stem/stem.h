// The stem, forward: a 3x3 convolution of three colors as matrix products that read the windows in
// place, in rows of the padded image (stem/rows.h). A row of the output is the sum of three
// products, one per row of the image under it. stem/backward.h is the backward pass. Training's
// forward pass and inference (inference/stem.h) share the product.
#pragma once
#include "inference/product.h"
#include "stem/rows.h"

namespace depthwise::fused::FUSED_ISA {

// Elements of a window's three rows.
template <class S> constexpr int kWindowElements = 3 * kRunElements<S>;

template <class S> size_t stem_panel_bytes(int out) {
  return size_t(kWindowElements<S>) * padded(out) * sizeof(Element<S>);
}

// Panels [out/kColumns][3 rows * kRunElements][kColumns].
template <class S> void pack_stem(const PackStem &p) {
  constexpr int kPairs = kPack<Element<S>>;
  const int all = padded(p.out);
  for (int o = 0; o < all; o++) {
    const int first = o / kColumns * kColumns, width = all - first < kColumns ? kLanes : kColumns;
    Element<S> *to = static_cast<Element<S> *>(p.panels) + size_t(first) * kWindowElements<S> + (o - first);
    for (int k = 0; k < kWindowElements<S>; k++, to += width) {
      const int tap = k % kRunElements<S> * kPairs;
      const float *taps = p.weight + size_t(o) * kTaps + k / kRunElements<S> * kRun + tap;
      *to = element<S>(o < p.out ? taps[0] : 0, o < p.out && tap + 1 < kRun ? taps[1] : 0);
    }
  }
}

// The product of a row of output. Its tiles start at the bias and go to finish(tile, row, column,
// valid rows).
template <class S, class Finish> struct StemProduct {
  ThreeRows<Element<S>> windows;
  size_t apart; // elements between windows
  const Element<S> *panels;
  const float *bias;
  Finish finish;

  template <int R, int C> FUSED_MEMBER void tile(int row, int column, int count) const {
    Tile<R, C> tile;
#pragma GCC unroll 4
    for (int c = 0; c < C; c++) {
      V first = load(bias + column + c * kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < R; r++) tile.set(r, c, first);
    }
    const Element<S> *panel = panels + column * kWindowElements<S>;
    // Hides the constant: GCC 12 unrolls a constant number of steps and spills, which takes 111 us
    // instead of 71 for a 224x224 image on Zen 5.
    int64_t depth = kRunElements<S>;
    asm("" : "+r"(depth));
    const size_t step = StemRows<S, true>::kPairs ? kRunElements<S> : apart; // constant where possible
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++, panel += kRunElements<S> * C * kLanes)
      multiply<true>(tile, depth, windows.rows[i] + row * step, step, panel, C * kLanes);
    finish(tile, row, column, count);
  }
};

// A part's sums and a thread's block for training's forward pass. Tile registers need a window's three rows next to
// each other; other variants read the windows of a row in place.
template <class S> struct StemForwardMemory {
  static constexpr size_t kStride = kLanes; // elements between gathered windows
  static constexpr int kUnit = kBlockRows<Element<S>>;
  RunningSums moments; // (2, out)
  StemRows<S, true> rows;
  Element<S> *windows; // (out_width, kStride)

  template <class Memory>
  StemForwardMemory(Memory &sums, Memory &memory, const StemForward &p)
      : moments(sums, 2 * size_t(p.out)), rows(memory, p.window) {
    if constexpr (kTiled<Element<S>>)
      windows = memory.template take<Element<S>>((p.window.out_width + kUnit - 1) / kUnit * kUnit * kStride + kLanes);
  }
};

// Parts of all rows of output.
FUSED_INLINE int stem_parts(int threads, const Window &w) {
  return threads::parts_of(threads, w.images * w.out_height, 8);
}
FUSED_INLINE threads::Range stem_part(const Window &w, int part, int parts) {
  return threads::range_of(w.images * w.out_height, part, parts);
}

template <class S> Parts stem_forward_parts(int threads, const StemForward &p) {
  ScratchSize sums, block;
  StemForwardMemory<S>(sums, block, p);
  return {threads, stem_parts(threads, p.window), sums.bytes, block.bytes};
}

template <class S> size_t stem_forward_scratch(int threads, const StemForward &p) {
  return stem_forward_parts<S>(threads, p).bytes();
}

// The padded image's rows.
template <class S> auto stem_lines(const Window &w, const void *image) {
  return [at = static_cast<const S *>(image), rows = stem_rows(w), line = stem_line(w)](int64_t image, int row) {
    return at + (image * rows + row) * line;
  };
}

// Gathers the windows of a row of output from the three rows of the padded image under it: three
// runs of nine values and a zero each. A run is stored together with the values after it, which the
// next run overwrites.
inline void gather_windows(const bf16 *const (&rows)[3], int width, size_t apart, size_t stride, uint32_t *windows) {
  typedef uint16_t Run __attribute__((vector_size(32)));
  Run inside{};
  for (int i = 0; i < kRun; i++) inside[i] = 0xffff;
  size_t at = 0;
  for (int q = 0; q < width; q++, at += apart, windows += stride)
    for (int i = 0; i < 3; i++) {
      Run run;
      memcpy(&run, rows[i] + at, sizeof run);
      run &= inside;
      memcpy(windows + i * kRunElements<bf16>, &run, sizeof run);
    }
}

// One row of output, counted over all images.
template <class S, class Line>
void stem_forward_row(const StemForward &p, StemForwardMemory<S> &memory, int64_t row, bool restart, Line line,
                      Prefetcher &prefetcher, const OutputTiles<S> &tiles) {
  const Element<S> *panels = static_cast<const Element<S> *>(p.weight);
  const Window &w = p.window;
  if constexpr (kTiled<Element<S>>) {
    const int64_t image = row / w.out_height;
    const int first = int(row % w.out_height) * w.stride;
    gather_windows({line(image, first), line(image, first + 1), line(image, first + 2)}, w.out_width, memory.rows.apart,
                   memory.kStride, memory.windows);
    multiply_block(w.out_width, p.out, kWindowElements<S>, memory.windows, memory.kStride, panels, p.bias, prefetcher,
                   tiles);
  } else {
    const auto windows = memory.rows.under(row, restart, line);
    for_each_tile(StemProduct<S, const OutputTiles<S> &>{windows, memory.rows.step, panels, p.bias, tiles}, w.out_width,
                  0, p.out, prefetcher);
  }
}

template <class S> void stem_forward_part(const StemForward &p, StemForwardMemory<S> &memory, threads::Range part) {
  const Window &w = p.window;
  const size_t y_row = size_t(w.out_width) * p.out;
  const bool non_temporal = streamed<S>(p.y, w.images * w.out_height * y_row);
  const auto line = stem_lines<S>(w, p.image);
  memory.moments.clear();
  for (int64_t row = part.begin; row < part.end; row++) {
    Prefetcher prefetcher;
    prefetcher.range(0, line(row / w.out_height, int(row % w.out_height) * w.stride + 3),
                     w.stride * stem_line(w) * sizeof(S));
    stem_forward_row<S>(p, memory, row, row == part.begin, line, prefetcher,
                        {static_cast<S *>(p.y) + row * y_row, size_t(p.out), p.moments.sum ? p.moments.pivot : nullptr,
                         memory.moments.part, non_temporal});
    memory.moments.add_positions(w.out_width);
  }
  memory.moments.flush();
  if (non_temporal) stream_fence();
}

template <class S> void stem_forward(const Workers &w, const StemForward &p) {
  const Parts parts = stem_forward_parts<S>(w.threads, p);
  for_each_part(w.threads, parts.count, [&](int part, int thread) {
    ScratchMemory sums{parts.sums_of(w, part)}, block{parts.block_of(w, thread)};
    StemForwardMemory<S> memory(sums, block, p);
    stem_forward_part<S>(p, memory, stem_part(p.window, part, parts.count));
  });
  if (!p.moments.sum) return;
  parts.sum(w, 0, p.out, p.moments.sum);
  parts.sum(w, p.out, p.out, p.moments.square);
}

} // namespace depthwise::fused::FUSED_ISA
