// The stem: a 3x3 convolution of three colours, as a matrix product. The 27 values under a window, three runs of nine in the
// padded image, become a row of a block, and its weight gradient is that of a pointwise convolution of those rows.
#pragma once
#include "fused_pointwise.h"

namespace depthwise::fused::FUSED_ISA {

constexpr int kColours = 3, kRun = 3 * kColours, kTaps = 3 * kRun; // values of a window's row, and of the window
constexpr int kTapLanes = 32;                                       // a row of a block: the taps and zeros
constexpr int kTapDepth = 28;                                       // what of it the forward product reads

// The padded image: just what the windows cover.
FUSED_INLINE int stem_rows(const Window &w) { return (w.out_height - 1) * w.stride + 3; }
FUSED_INLINE size_t stem_line(const Window &w) { return ((static_cast<size_t>(w.out_width) - 1) * w.stride + 3) * kColours; }

template <class S> size_t stem_image_bytes(const Window &w) { return w.images * stem_rows(w) * stem_line(w) * sizeof(S); }

FUSED_INLINE void store_value(float *p, float v) { *p = v; }
FUSED_INLINE void store_value(bf16 *p, float v) { *p = static_cast<bf16>(round_bits(v)); }

// Normalises n values of a row; 48 are a whole number of pixels and of vectors. The operations are those of
// dw_normalize_images, one by one, and so are the bits.
template <class S> void stem_pixels(const StemImage &p, const uint8_t *pixels, size_t n, S *to) {
  float mean[3 * kLanes], std[3 * kLanes];
  for (int i = 0; i < 3 * kLanes; i++) mean[i] = p.mean[i % kColours], std[i] = p.std[i % kColours];
  size_t i = 0;
  for (; i + 3 * kLanes <= n; i += 3 * kLanes)
    for (int part = 0; part < 3 * kLanes; part += kLanes)
      store(to + i + part, (load(pixels + i + part) / set1(255) - load(mean + part)) / load(std + part));
  for (; i < n; i++) store_value(to + i, (static_cast<float>(pixels[i]) / 255.0f - p.mean[i % kColours]) / p.std[i % kColours]);
}
template <class S> void stem_values(const float *values, size_t n, S *to) {
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, load(values + i));
  for (; i < n; i++) store_value(to + i, values[i]);
}

// One row of the padded image.
template <class S> void stem_row(const StemImage &p, int64_t image, int row, S *to) {
  const Window &w = p.window;
  const size_t line = stem_line(w), before = static_cast<size_t>(w.left) * kColours;
  const int from = row - w.top;
  size_t n = static_cast<size_t>(w.width) * kColours;
  if (n > line - before) n = line - before;
  if (from < 0 || from >= w.height) {
    memset(to, 0, line * sizeof(S));
    return;
  }
  memset(to, 0, before * sizeof(S));
  const size_t at = (image * w.height + from) * static_cast<size_t>(w.width) * kColours;
  if (p.pixels)
    stem_pixels<S>(p, p.pixels + at, n, to + before);
  else
    stem_values<S>(p.values + at, n, to + before);
  memset(to + before + n, 0, (line - before - n) * sizeof(S));
}

template <class S> void stem_image(const Workers &w, const StemImage &p) {
  const int rows = stem_rows(p.window);
  S *image = static_cast<S *>(p.image);
#pragma omp parallel for num_threads(w.threads) schedule(static)
  for (int64_t i = 0; i < p.window.images * rows; i++)
    stem_row<S>(p, i / rows, static_cast<int>(i % rows), image + i * stem_line(p.window));
}

template <class S> size_t stem_panel_bytes(int out) {
  return static_cast<size_t>(kTapLanes) * padded(out) * 4 / kPack<Element<S>>;
}

// Panels of (kTapDepth, out), of which the last tap is zero. The reduction's padding to kTapLanes is packed and not read.
template <class S> void pack_stem(const PackStem &p) {
  constexpr int kSteps = kTapDepth / kPack<Element<S>>;
  const int all = padded(p.out);
  for (int first = 0; first < all; first += kColumns) {
    const int width = all - first < kColumns ? kLanes : kColumns;
    Element<S> *to = static_cast<Element<S> *>(p.panels) + static_cast<size_t>(first) * kSteps;
    for (int k = 0; k < kSteps; k++)
      for (int n = 0; n < width; n++) {
        const int tap = k * kPack<Element<S>>, o = first + n;
        const float *taps = p.weight + static_cast<size_t>(o) * kTaps;
        to[k * width + n] =
            element<S>(o < p.out && tap < kTaps ? taps[tap] : 0, o < p.out && tap + 1 < kTaps ? taps[tap + 1] : 0);
      }
  }
}

// Walks the windows in the order of the output's rows, from number `row`.
template <class S> struct Windows {
  const Window &w;
  const S *image, *at; // at: the window's first value
  size_t line;
  int column, row; // of the output

  Windows(const Window &w, const void *image, int64_t first) : w(w), image(static_cast<const S *>(image)), line(stem_line(w)) {
    column = static_cast<int>(first % w.out_width);
    row = static_cast<int>(first / w.out_width % w.out_height);
    at = this->image + (first / w.out_width / w.out_height * stem_rows(w) + row * w.stride) * line + column * w.stride * kColours;
  }
  // Copies the window's 27 values; to holds kTapLanes, the rest of which stay as they are.
  void copy(S *to) const {
    for (int i = 0; i < 3; i++) memcpy(to + i * kRun, at + i * line, kRun * sizeof(S));
  }
  void next() {
    at += w.stride * kColours;
    if (++column < w.out_width) return;
    at += w.stride * line - static_cast<size_t>(w.out_width) * w.stride * kColours;
    column = 0;
    if (++row < w.out_height) return;
    at += static_cast<size_t>(stem_rows(w) - w.out_height * w.stride) * line;
    row = 0;
  }
};

FUSED_INLINE int64_t stem_output_rows(const Window &w) { return w.images * w.out_height * w.out_width; }

template <class S> size_t stem_forward_scratch(const StemForward &p) {
  ScratchSize size;
  ForwardBlock<S>(size, kTapLanes, p.out);
  return size.bytes;
}

// use(first, n, taps) for a few windows at a time, an even number but at the end. Taps that are read as soon as they
// are written would keep the processor waiting: a vector is not forwarded from the parts that it was stored in.
template <class S, class Use> FUSED_INLINE void each_windows(int rows, Windows<S> &windows, Use use) {
  constexpr int kSome = 16;
  alignas(kCacheLine) S taps[kSome][kTapLanes] = {};
  for (int first = 0; first < rows; first += kSome) {
    const int n = rows - first < kSome ? rows - first : kSome;
    for (int i = 0; i < n; i++, windows.next()) windows.copy(taps[i]);
    use(first, n, taps);
  }
}

// Windows as operands along the taps.
template <class S> void window_rows(int rows, Windows<S> &windows, Element<S> *a, size_t stride) {
  each_windows<S>(rows, windows, [&](int first, int n, S(*taps)[kTapLanes]) {
    for (int i = 0; i < n; i++)
      for (int c = 0; c < kTapLanes; c += kLanes) store_operand<S>(a + (first + i) * stride, c, load(taps[i] + c));
  });
}

template <class S> void stem_forward_part(const StemForward &p, ForwardBlock<S> &block, RowPart part) {
  S *y = static_cast<S *>(p.y);
  const bool past_caches = streamed<S>(p.y, stem_output_rows(p.window) * p.out);
  Windows<S> windows(p.window, p.image, part.begin);
  block.moments.clear();
  for (int64_t begin = part.begin; begin < part.end; begin += block.rows) {
    const int rows = static_cast<int>(part.end - begin < block.rows ? part.end - begin : block.rows);
    window_rows<S>(rows, windows, block.a, block.stride);
    OutputTiles<S> tiles{y + begin * p.out, static_cast<size_t>(p.out), p.moments.sum ? p.moments.pivot : nullptr, block.moments.part,
                         past_caches};
    Ahead ahead;
    multiply_block(rows, p.out, kTapDepth / kPack<Element<S>>, block.a, block.stride, static_cast<const Element<S> *>(p.weight),
                   p.bias, ahead, tiles);
    block.moments.add_positions(rows);
  }
  block.moments.flush();
  if (past_caches) stream_fence();
}

template <class S> void stem_forward(const Workers &w, const StemForward &p) {
  each_thread(w, [&](int t) {
    ScratchMemory memory(w, t);
    ForwardBlock<S> block(memory, kTapLanes, p.out);
    stem_forward_part<S>(p, block, tile_part<S>(stem_output_rows(p.window), t, w.threads));
  });
  if (!p.moments.sum) return;
  sum_threads(w, 0, p.out, p.moments.sum);
  sum_threads(w, p.out, p.out, p.moments.square);
}

template <class S> size_t stem_backward_scratch(const StemBackward &p) {
  ScratchSize size;
  BackwardBlock<S>(size, kTapLanes, p.out);
  return size.bytes;
}

// Windows as operands along the rows.
template <class S> void window_pairs(int rows, Windows<S> &windows, const Outer<S> &to) {
  each_windows<S>(rows, windows, [&](int first, int n, S(*taps)[kTapLanes]) {
    if (n % 2) memset(taps[n], 0, sizeof taps[n]); // an odd number is less than there is room for
    for (int i = 0; i < n; i += 2)
      for (int c = 0; c < kTapLanes; c += kLanes) to.set(first + i, c, load(taps[i] + c), load(taps[i + 1] + c));
  });
}

template <class S> void stem_backward_part(const StemBackward &p, BackwardBlock<S> &block, RowPart part) {
  const S *g = static_cast<const S *>(p.g), *y = static_cast<const S *>(p.y);
  Windows<S> windows(p.window, p.image, part.begin);
  if (part.begin == part.end) memset(block.dw, 0, p.out * block.dw_stride * sizeof(float));
  for (int64_t begin = part.begin; begin < part.end; begin += block.rows) {
    const int rows = static_cast<int>(part.end - begin < block.rows ? part.end - begin : block.rows);
    gradient_rows<S>(rows, p.out, g + begin * p.out, y + begin * p.out, p.norm, nullptr, 0, block.gradient);
    window_pairs<S>(rows, windows, block.inputs);
    outer_block(begin == part.begin, p.out, kTapLanes, Outer<S>::depth(rows), block.gradient.memory, block.gradient.stride,
                block.inputs.memory, block.inputs.stride, block.dw, block.dw_stride);
  }
}

template <class S> void stem_backward(const Workers &w, const StemBackward &p) {
  ScratchSize bytes;
  const BackwardBlock<S> size(bytes, kTapLanes, p.out);
  each_thread(w, [&](int t) {
    ScratchMemory memory(w, t);
    BackwardBlock<S> block(memory, kTapLanes, p.out);
    stem_backward_part<S>(p, block, tile_part<S>(stem_output_rows(p.window), t, w.threads));
  });
  sum_weight_gradients(w, size.dw_offset, size.dw_stride, p.weight_out, kTaps, p.dw);
}

} // namespace depthwise::fused::FUSED_ISA
