// The stem's input: the normalized images with padding, and their rows as operands of the stem's
// products, which read the windows in place: the 27 values under a window are three runs of nine,
// stride*3 apart.
#pragma once
#include "pointwise/pointwise.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kColors = 3, kRun = 3 * kColors, kTaps = 3 * kRun; // values of a window's row, and of the window

// The padded image: exactly what the windows cover.
FUSED_INLINE int stem_rows(const Window &w) { return (w.out_height - 1) * w.stride + 3; }
FUSED_INLINE size_t stem_line(const Window &w) { return ((size_t(w.out_width) - 1) * w.stride + 3) * kColors; }
constexpr int kOverread = 2 * kLanes; // values that may be read after a row

template <class S> size_t stem_image_bytes(const Window &w) {
  return (w.images * stem_rows(w) * stem_line(w) + kOverread) * sizeof(S);
}

FUSED_INLINE void store_value(float *p, float v) { *p = v; }
FUSED_INLINE void store_value(bf16 *p, float v) { *p = bf16(round_bits(v)); }

// Normalizes n values of a row; 48 is a whole number of pixels and of vectors. The operations are
// those of dw_normalize_images, one by one, so the bits are the same.
template <class S> void stem_pixels(const StemImage &p, const uint8_t *pixels, size_t n, S *to) {
  float mean[3 * kLanes], std[3 * kLanes];
  for (int i = 0; i < 3 * kLanes; i++) mean[i] = p.mean[i % kColors], std[i] = p.std[i % kColors];
  size_t i = 0;
  for (; i + 3 * kLanes <= n; i += 3 * kLanes)
    for (int part = 0; part < 3 * kLanes; part += kLanes)
      store(to + i + part, (load(pixels + i + part) / set1(255) - load(mean + part)) / load(std + part));
  for (; i < n; i++) store_value(to + i, (float(pixels[i]) / 255.0f - p.mean[i % kColors]) / p.std[i % kColors]);
}
template <class S> void stem_values(const float *values, size_t n, S *to) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(values + i));
  for (; i < n; i++) store_value(to + i, values[i]);
}

// One row of the padded image.
template <class S> void stem_row(const StemImage &p, int64_t image, int row, S *to) {
  const Window &w = p.window;
  const size_t line = stem_line(w), before = size_t(w.left) * kColors;
  const int from = row - w.top;
  size_t n = size_t(w.width) * kColors;
  if (n > line - before) n = line - before;
  if (from < 0 || from >= w.height) {
    memset(to, 0, line * sizeof(S));
    return;
  }
  memset(to, 0, before * sizeof(S));
  const size_t at = (image * w.height + from) * size_t(w.width) * kColors;
  if (p.pixels)
    stem_pixels<S>(p, p.pixels + at, n, to + before);
  else
    stem_values<S>(p.values + at, n, to + before);
  memset(to + before + n, 0, (line - before - n) * sizeof(S));
}

template <class S> void stem_image(const Workers &w, const StemImage &p) {
  const int rows = stem_rows(p.window);
  S *image = static_cast<S *>(p.image);
  threads::for_each(w.threads, p.window.images * rows, 16,
                    [&](int64_t i) { stem_row<S>(p, i / rows, int(i % rows), image + i * stem_line(p.window)); });
}

// Elements of a window's row where the reduction runs along it: its values, and a zero where that
// completes a pair.
template <class S> constexpr int kRunElements = (kRun + kPack<Element<S>> - 1) / kPack<Element<S>>;

// The three rows of the padded image under a row of the output, as operands.
template <class E> struct ThreeRows {
  const E *rows[3];
};

// A thread's memory for them: the last three rows computed, each of which serves up to three rows
// of the output. The reduction runs along a window's values (kAlongValues) or along the windows.
//
// Floats are the row itself for both; windows are stride*3 apart. Pairs along a window's values
// would start at an odd value for every other window, or end in the next one's, so they are copied
// apart: ten values per window, the last one zero. Pairs along the windows hold a value and its
// counterpart in the next window.
template <class S, bool kAlongValues> struct StemRows {
  static constexpr bool kPairs = kPack<Element<S>> == 2;
  const Window &window;
  const size_t apart; // values between windows
  const size_t step;  // elements between windows, or between pairs of them
  const size_t size;  // elements of a row; a product may read to the end of its last tile
  Element<S> *memory; // (3, size)
  int next = 0;       // the next row of the padded image to compute

  template <class Memory>
  StemRows(Memory &from, const Window &w)
      : window(w), apart(w.stride * kColors), step(!kPairs        ? apart
                                                   : kAlongValues ? kRunElements<S>
                                                                  : 2 * apart),
        size(whole_cache_lines(read_by_products(w) + kOverread)), memory(from.template take<Element<S>>(3 * size)) {}

  size_t read_by_products(const Window &w) const {
    if (kAlongValues) return (size_t(w.out_width) + kRows) * step;
    return kTiled<Element<S>> ? tiled_pairs(w) * step : stem_line(w);
  }
  // Pairs of a row's windows, in whole tiles.
  static size_t tiled_pairs(const Window &w) { return (size_t(w.out_width + 1) / 2 + kLanes - 1) / kLanes * kLanes; }

  // Returns the rows under a row of the output, counted over all images. Missing ones (all of them
  // with restart) are computed from line(image, row), a row of the padded image.
  template <class Line> ThreeRows<Element<S>> under(int64_t row, bool restart, Line line) {
    const int out_row = int(row % window.out_height), first = out_row * window.stride;
    if (restart || out_row == 0) next = first;
    for (; next < first + 3; next++) {
      const S *from = line(row / window.out_height, next);
      if constexpr (!kPairs)
        widen(from, at(next));
      else if constexpr (kAlongValues)
        copy_apart(from, reinterpret_cast<bf16 *>(at(next)));
      else
        pair_windows(from, at(next));
    }
    return {{at(first), at(first + 1), at(first + 2)}};
  }
  Element<S> *at(int row) const { return memory + row % 3 * size; }

  void widen(const S *from, float *to) const {
    const size_t line = stem_line(window);
    for (size_t i = 0; i < line; i += kLanes) store(to + i, load(from + i));
  }

  // Each copy is 16 values; the next one overwrites those beyond the window.
  void copy_apart(const bf16 *from, bf16 *to) const {
    typedef uint16_t Run __attribute__((vector_size(32)));
    Run inside{};
    for (int i = 0; i < kRun; i++) inside[i] = 0xffff;
    const size_t between = apart;
    for (const bf16 *end = from + window.out_width * between; from < end; from += between, to += kRunElements<S> * 2) {
      Run run;
      memcpy(&run, from, sizeof run);
      run &= inside;
      memcpy(to, &run, sizeof run);
    }
  }

  // The last of an odd number of windows is paired with zeros, except where the previous pair has
  // the same values (stride 1). Its partner has no effect, since the partner's dy is zero.
  void pair_windows(const bf16 *from, uint32_t *to) const {
    typedef uint16_t Half __attribute__((vector_size(32)));
    typedef uint32_t Whole __attribute__((vector_size(64)));
    const size_t line = stem_line(window);
    for (size_t i = 0; i < line; i += kLanes) {
      Half even, odd;
      memcpy(&even, from + i, sizeof even);
      memcpy(&odd, from + i + apart, sizeof odd);
      const Whole pairs = __builtin_convertvector(even, Whole) | __builtin_convertvector(odd, Whole) << 16;
      memcpy(to + i, &pairs, sizeof pairs);
    }
    if (window.out_width % 2)
      for (size_t i = line > 2 * apart ? line - 2 * apart : 0; i < line; i++) to[i] &= 0xffff;
    if constexpr (kTiled<Element<
                      S>>) { // pairs of the last tile beyond the last window: their dy is zero, but they must be finite
      const size_t end = (size_t(window.out_width + 1) / 2 - 1) * step + kRun;
      memset(to + end, 0, (size - end) * sizeof *to);
    }
  }
};

} // namespace depthwise::fused::FUSED_ISA
