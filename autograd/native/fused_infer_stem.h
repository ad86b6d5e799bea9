// The stem for inference: a 3x3 convolution of three colours as a matrix product whose operands are read where they lie. The
// windows of a row of output are, in each of three rows of the padded image, runs of nine values; the product goes through the
// three rows one after the other, and each row serves up to three rows of output.
//
// Floats are read from the row itself, windows stride*3 apart. Pairs of bfloat16 begin at odd values for every other window or
// end in the next one's, so they are copied apart: ten values a window, the last one zero.
#pragma once
#include "fused_infer_product.h"
#include "fused_stem.h"

namespace depthwise::fused::FUSED_ISA {

// Elements of a window in one row of the image.
template <class S> constexpr int kRunElements = (kRun + kPack<Element<S>> - 1) / kPack<Element<S>>;

// Panels [out/kColumns][3 rows * kRunElements][kColumns].
template <class S> void infer_pack_stem(const PackStem &p) {
  constexpr int kPairs = kPack<Element<S>>, kSteps = 3 * kRunElements<S>;
  static_assert(kSteps * kPairs <= kTapLanes, "more than stem_panel_bytes");
  const int all = padded(p.out);
  for (int o = 0; o < all; o++) {
    const int first = o / kColumns * kColumns, width = all - first < kColumns ? kLanes : kColumns;
    Element<S> *to = static_cast<Element<S> *>(p.panels) + static_cast<size_t>(first) * kSteps + (o - first);
    for (int k = 0; k < kSteps; k++, to += width) {
      const int tap = k % kRunElements<S> * kPairs;
      const float *taps = p.weight + static_cast<size_t>(o) * kTaps + k / kRunElements<S> * kRun + tap;
      *to = element<S>(o < p.out ? taps[0] : 0, o < p.out && tap + 1 < kRun ? taps[1] : 0);
    }
  }
}

// A thread's memory: the last three rows of the padded image, and the windows in each.
template <class S> struct StemRows {
  static constexpr bool kApart = kPack<Element<S>> == 2; // copied apart
  const Window &window;
  size_t line, step; // values of a row; elements between windows
  size_t size;       // elements of a row's windows, which a product may read to the end of its last tile
  S *values;         // one row
  Element<S> *windows; // (3, size)
  int next = 0;        // the padded image's row to be made next

  template <class Memory> StemRows(Memory &memory, const Window &w) : window(w), line(stem_line(w)) {
    step = kApart ? kRunElements<S> : w.stride * kColours;
    size = (static_cast<size_t>(w.out_width) + kRows) * step + kTapLanes;
    values = memory.template take<S>(line + kTapLanes);
    windows = memory.template take<Element<S>>(3 * size);
  }

  Element<S> *windows_of(int row) const { return windows + row % 3 * size; }

  // Makes the rows under one row of output, as far as they are not there.
  void make(const StemImage &p, int64_t row, bool fresh) {
    const int out_row = static_cast<int>(row % window.out_height), first = out_row * window.stride;
    if (fresh || out_row == 0) next = first;
    for (; next < first + 3; next++) {
      stem_row<S>(p, row / window.out_height, next, values);
      Element<S> *to = windows_of(next);
      if constexpr (kApart)
        copy_apart(reinterpret_cast<bf16 *>(to));
      else
        for (size_t i = 0; i < line; i += kLanes) store(to + i, load(values + i));
    }
  }

  // Each copy is 16 values, of which the next one overwrites those that are not the window's.
  void copy_apart(bf16 *to) const {
    typedef uint16_t Run __attribute__((vector_size(32)));
    Run inside{};
    for (int i = 0; i < kRun; i++) inside[i] = 0xffff;
    const bf16 *from = reinterpret_cast<const bf16 *>(values);
    for (int q = 0; q < window.out_width; q++, from += window.stride * kColours, to += kRunElements<S> * 2) {
      Run run;
      memcpy(&run, from, sizeof run);
      run &= inside;
      memcpy(to, &run, sizeof run);
    }
  }
};

template <class S> size_t infer_stem_scratch(const InferStem &p) {
  ScratchSize size;
  StemRows<S>(size, p.image.window);
  return size.bytes;
}

// The product of one row of output.
template <class S> struct StemProduct {
  const Element<S> *rows[3]; // the windows
  size_t apart;              // elements between them
  const Element<S> *panels;
  InferOutput<S> output;

  template <int R, int C> FUSED_MEMBER void tile(int row, int column, int count) const {
    Tile<R, C> tile;
    output.start(tile, column);
    const Element<S> *panel = panels + column * 3 * kRunElements<S>;
    int64_t depth = kRunElements<S>;
    asm("" : "+r"(depth)); // GCC 12 unrolls a known number of steps and spills: 111 us for 71 of a 224x224 image, Zen 5
    const size_t step = StemRows<S>::kApart ? kRunElements<S> : apart; // a constant where it can be
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++, panel += kRunElements<S> * C * kLanes)
      multiply<true>(tile, depth, rows[i] + row * step, step, panel, C * kLanes);
    output.put(tile, row, column, count);
  }
};

template <class S> void infer_stem(char *scratch, const InferStem &p) {
  const Window &w = p.image.window;
  InferMemory memory{scratch};
  StemRows<S> rows(memory, w);
  const size_t y_row = static_cast<size_t>(w.out_width) * p.out;
  for (int64_t row = p.begin; row < p.end; row++) {
    rows.make(p.image, row, row == p.begin);
    const int first = static_cast<int>(row % w.out_height) * w.stride;
    StemProduct<S> product{{}, rows.step, static_cast<const Element<S> *>(p.weight),
                           {p.bias, set1(p.cap), static_cast<S *>(p.y) + row * y_row, static_cast<size_t>(p.out)}};
    for (int i = 0; i < 3; i++) product.rows[i] = rows.windows_of(first + i);
    Ahead ahead;
    each_tile(product, w.out_width, 0, p.out, ahead);
  }
}

} // namespace depthwise::fused::FUSED_ISA
